import type { DescEnum } from '@bufbuild/protobuf';
import { membershipChecks } from './membership-rules.js';
import { numberChecks, timeChecks } from './ordered-rules.js';
import { type Check, type FieldRules, check } from './rule-types.js';
import { bytesChecks, stringChecks } from './text-rules.js';

/** What the rules of a field demand of one value of it: the value itself, an item of a list, a key or value of a map. */
export function valueChecks(rules: FieldRules | undefined, descEnum: DescEnum | undefined): Check[] {
  if (rules?.type.case === undefined) return [];
  const { case: type, value } = rules.type;
  switch (type) {
    case 'repeated':
    case 'map':
    case 'any':
      return [];
    case 'string':
      return stringChecks(value);
    case 'bytes':
      return bytesChecks(value);
    case 'bool':
      return membershipChecks<boolean>('bool', value);
    case 'enum':
      return enumChecks(value, descEnum);
    case 'duration':
    case 'timestamp':
      return timeChecks(type, value);
    default:
      return numberChecks(type, value);
  }
}

function enumChecks(rules: Readonly<Record<string, unknown>>, descEnum: DescEnum | undefined): Check[] {
  const defined = rules['definedOnly'] === true && descEnum;
  return [
    ...(defined
      ? [
          check<number>(
            'enum.defined_only',
            (value) => defined.value[value] !== undefined,
            `be a value of ${defined.name}`,
          ),
        ]
      : []),
    ...membershipChecks<number>('enum', rules),
  ];
}
