import type { Call, Documented } from './example-walk.js';

/** One request that must be refused, and how. */
export interface HostileCase {
  readonly what: string;
  readonly call: Call;
  readonly status: readonly number[];
  /** Where one finding must point, or inside of it; any of them will do. */
  readonly pointers?: readonly string[];
}

/** A value in a body, with the schema that it is held against. */
interface Place {
  readonly schema: any;
  readonly keys: readonly string[];
  readonly isRequired: boolean;
  /** One of many alike, of a list or a map: a finding may speak of all of them together. */
  readonly isOfMany?: true;
}

interface Change {
  readonly what: string;
  readonly keys: readonly string[];
  /** Undefined takes the field away. */
  readonly value: unknown;
  readonly isOfMany?: true;
}

const MIB = 1024 * 1024;
const INVALID = [422];
const UNREADABLE = [400];
/** Longer than anything that a person would write into one field, where the document gives no bound. */
const FAR_TOO_LONG = 100_000;
/** Times of which JavaScript would make something, or nothing. */
export const DAYS_THAT_ARE_NONE = [
  '2031-02-31T25:61:00Z',
  '2031-02-31T00:00:00Z',
  '2031-02-29T00:00:00+01:00',
  '2031-01-01T24:00:00Z',
  '2031-01-01',
  '2031-01-01T00:00:00',
  '1 Jan 2031',
  '2031',
  '+012031-01-01T00:00:00Z',
];
const JSON_VALUES: Readonly<Record<string, unknown>> = {
  string: 'text',
  number: 1234.5,
  boolean: true,
  array: [{ colour: 'blue' }],
  object: { colour: { of: 'blue' } },
  null: null,
};

/** What an operation must not take, made from its example and the schema of its body. */
export function hostileBodies({ requestBody, method }: Documented, call: Call): readonly HostileCase[] {
  // Of a merge patch (RFC 7396), null takes a field away, wherever it stands.
  const isMergePatch =
    method === 'PATCH' && Object.keys(call.headers).some((name) => name.toLowerCase() === 'if-match');
  const media = Object.values(requestBody?.content ?? {})[0];
  if (!media) return [];
  const { schema } = media;
  const root: Place = { schema, keys: [], isRequired: true };
  return [
    ...wholeBodies(call),
    ...(isOpen(schema) ? [] : placesIn(root).flatMap(changesAt).filter(isHostile).map(asCase)),
  ];

  function isHostile({ value }: Change): boolean {
    return !isMergePatch || value !== null;
  }

  function asCase({ what, keys, value, isOfMany }: Change): HostileCase {
    const pointer = pointerOf(keys);
    const body = changed(call.body, keys, value);
    const pointers = [pointer, ...(isOfMany ? [pointerOf(keys.slice(0, -1))] : [])];
    // What is wrong with two fields together is told of what they stand in.
    if (keys.length > 1 && typeof value === 'string' && value.length >= FAR_TOO_LONG)
      pointers.push(pointerOf(keys.slice(0, -1)));
    const told = { what: `${pointer} ${what}`, call: { ...call, body }, status: INVALID };
    return isWhole(call.body, keys) ? { ...told, pointers } : told;
  }
}

/** Whether what is around a place is in the example; otherwise more is missing than what the case is about. */
const isWhole = (body: any, keys: readonly string[]): boolean =>
  keys.slice(0, -1).reduce((part, key) => part?.[key], body) !== undefined;

const pointerOf = (keys: readonly string[]): string => keys.map((key) => `/${key}`).join('');

function wholeBodies(call: Call): readonly HostileCase[] {
  const text = JSON.stringify(call.body);
  const as = (what: string, body: string, status: readonly number[], type?: string): HostileCase => ({
    what,
    call: { ...call, body, headers: { ...call.headers, ...(type ? { 'content-type': type } : {}) } },
    status,
  });
  return [
    ...['[]', '"text"', '5', 'true', 'null'].map((body) => as(`${body} as the body`, body, [400, 422])),
    as('half a body', text.slice(0, -1), UNREADABLE),
    as('text behind the body', `${text}}`, UNREADABLE),
    as('a body that is nothing', ' ', UNREADABLE),
    as('__proto__', `{"__proto__": {"a": 1}, ${text.slice(1)}`, UNREADABLE),
    as('a body that is too deep', `{"colour": ${'['.repeat(5_000)}${']'.repeat(5_000)}}`, UNREADABLE),
    as('an alias bomb', 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nd: *d', UNREADABLE, 'application/yaml'),
    as('a form', 'a=b', [415], 'application/x-www-form-urlencoded'),
    as('plain text', text, [415], 'text/plain'),
    as('a media type that is none', text, [415], 'json'),
  ];
}

/** A body beyond what any operation takes; apart, because it takes its time. */
export const tooLarge = (call: Call, takesLarge: boolean): HostileCase => ({
  what: 'a body that is too large',
  call: { ...call, body: `{"colour": "${'x'.repeat(takesLarge ? 33 * MIB : MIB + 1)}"}` },
  status: [413],
});

/** Every value that a schema names, and those inside of it. */
function placesIn(place: Place): readonly Place[] {
  const schema = resolved(place.schema);
  const required: readonly string[] = schema.required ?? [];
  const inner = Object.entries<any>(schema.properties ?? {}).map(([name, part]) => ({
    schema: part,
    keys: [...place.keys, name],
    isRequired: required.includes(name),
  }));
  const items = schema.items
    ? [{ schema: schema.items, keys: [...place.keys, '0'], isRequired: false, isOfMany: true as const }]
    : [];
  const isMap = typeof schema.additionalProperties === 'object';
  const values = isMap
    ? [
        {
          schema: schema.additionalProperties,
          keys: [...place.keys, 'key'],
          isRequired: false,
          isOfMany: true as const,
        },
      ]
    : [];
  return [place, ...[...inner, ...items, ...values].flatMap(placesIn)];
}

function changesAt({ schema: written, keys, isRequired, isOfMany }: Place): readonly Change[] {
  const schema = resolved(written);
  const change = (what: string, value: unknown, at: readonly string[] = keys): Change => ({
    what,
    keys: at,
    value,
    ...(isOfMany && at === keys ? { isOfMany } : {}),
  });
  const types = typesOf(schema);
  const isField = keys.length > 0;
  const otherTypes = Object.entries(JSON_VALUES)
    .filter(([type]) => isField && types.length > 0 && !types.includes(type))
    .filter(([type]) => !(type === 'number' && types.includes('integer')))
    .map(([type, value]) => change(`as ${type}`, value));
  return [
    ...otherTypes,
    ...(isRequired && isField ? [change('left out', undefined)] : []),
    ...(types.includes('string') && isName(keys) ? [change('with what turns a text around', 'a\u202eb')] : []),
    ...(types.includes('string') ? strings(schema) : []).map(([what, value]) => change(what, value)),
    ...numbers(schema, types).map(([what, value]) => change(what, value)),
    ...(schema.maxItems ? [change('with too many items', Array(Number(schema.maxItems) + 1).fill('text'))] : []),
    ...(schema.properties && !isOpen(schema) ? [change('unknown', 'blue', [...keys, 'colour'])] : []),
  ];
}

const isName = (keys: readonly string[]): boolean => /^(name|hostname|username)$/.test(keys.at(-1) ?? '');

function strings(schema: any): readonly (readonly [what: string, value: string])[] {
  const isWord = schema.enum !== undefined || schema.format === 'date-time' || schema.format === 'uuid';
  return [
    ['with NUL', 'a\0b'],
    ['with half a surrogate pair', 'a\ud800'],
    ['too long', 'x'.repeat(schema.maxLength ? Number(schema.maxLength) + 1 : FAR_TOO_LONG)],
    ...(schema.minLength ? ([['too short', 'x'.repeat(schema.minLength - 1)]] as const) : []),
    ...(isWord ? ([['as a word that is none of its', 'nonsense']] as const) : []),
    ...(schema.format === 'date-time' ? DAYS_THAT_ARE_NONE.map((text) => [`as ${text}`, text] as const) : []),
  ];
}

function numbers(schema: any, types: readonly string[]): readonly (readonly [what: string, value: number])[] {
  if (!types.includes('integer') && !types.includes('number')) return [];
  return [
    ...(types.includes('integer') ? ([['with a fraction', 1.5]] as const) : []),
    ['far too large', 1e300],
    ['far too small', -1e300],
    ...(schema.minimum === undefined ? [] : ([['below its least', schema.minimum - 1]] as const)),
    ...(schema.maximum === undefined ? [] : ([['above its most', Number(schema.maximum) + 1]] as const)),
  ];
}

/** Objects that say that they take anything are looked at by nobody but those who read them. */
const isOpen = (schema: any): boolean => resolved(schema).additionalProperties === true;

function typesOf(schema: any): readonly string[] {
  const options: readonly any[] = schema.anyOf ?? schema.oneOf ?? [schema];
  return options.flatMap((option) => resolved(option).type ?? []);
}

/** Without references; of a choice between a thing and null, the properties of the thing. */
function resolved(schema: any): any {
  if (schema.allOf) return joined(schema.allOf.map(resolved));
  const options: readonly any[] | undefined = schema.anyOf ?? schema.oneOf;
  if (!options) return schema;
  const things = options.filter(({ type }) => type !== 'null').map(resolved);
  return things.length === 1
    ? { ...things[0], type: options.flatMap((option) => resolved(option).type ?? []) }
    : schema;
}

function joined(parts: readonly any[]): any {
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  const required = parts.flatMap((part) => part.required ?? []);
  return { ...Object.assign({}, ...parts), ...(Object.keys(properties).length > 0 ? { properties, required } : {}) };
}

/** The body with one value in the place of another; what leads there is made where it is not there. */
function changed(body: any, [key, ...inner]: readonly string[], value: unknown): any {
  if (key === undefined) return value;
  if (Array.isArray(body) || (body === undefined && key === '0')) return [changed(body?.[0], inner, value)];
  const others = Object.entries(typeof body === 'object' ? body : {}).filter(([name]) => name !== key);
  const isGone = value === undefined && inner.length === 0;
  return Object.fromEntries([...others, ...(isGone ? [] : [[key, changed(body?.[key], inner, value)]])]);
}
