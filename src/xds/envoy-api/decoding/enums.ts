import type { DescEnum } from '@bufbuild/protobuf';
import { describe } from './decode-run.js';
import type { Reader } from './scalars.js';
import { didYouMean } from './suggestion.js';

/**
 * Reads an enum value by name, in any case as Envoy does, or by number. Numbers that the enum does not define are refused although
 * proto3 lets them through: Envoy aborts on them.
 */
export function enumReader(type: DescEnum): Reader<number> {
  const byName = new Map<string, number>();
  for (const value of type.values) byName.set(value.name, value.number).set(value.name.toUpperCase(), value.number);
  const isNull = type.typeName === 'google.protobuf.NullValue';
  return (json, run) => {
    if (isNull && json === null) return 0;
    const given = typeof json === 'string' && /^-?\d{1,10}$/.test(json) ? Number(json) : json;
    if (typeof given === 'number' && type.value[given]) return given;
    if (typeof json === 'string') {
      const number = byName.get(json) ?? byName.get(json.toUpperCase());
      if (number !== undefined) return number;
    }
    return run.error('schema.enum', () => {
      const names = type.values.filter((value) => !value.deprecated).map((value) => value.name);
      const guess = typeof json === 'string' ? didYouMean(json, names) : '';
      const all = names.length <= 12 ? `; it has ${names.join(', ')}` : '';
      return `${describe(json)} is not a value of ${type.name}${guess || all}`;
    });
  };
}
