import { newId } from '../../src/common/context/ids.js';
import type { Call, Documented, Parameter } from './example-walk.js';
import { DAYS_THAT_ARE_NONE, type HostileCase } from './hostile-bodies.js';

const UNREADABLE = [400];
const INVALID = [422];
/** Longer than any filter, and shorter than what a server takes as an address. */
const TOO_LONG = 4_001;

/** Queries that an operation must not take. */
export function hostileQueries({ described }: Documented, call: Call): readonly HostileCase[] {
  const parameters = described.filter((parameter) => parameter.in === 'query');
  if (!call.path.startsWith('/api/')) return [];
  const as = (name: string, value: string, status: readonly number[] = INVALID): HostileCase => ({
    what: `?${name}=${value.slice(0, 40)}`,
    call: { ...call, path: `${call.path}?${name}=${value}` },
    status,
    ...(status === INVALID ? { pointers: [`/${name}`] } : {}),
  });
  return [
    as('colour', 'blue'),
    ...parameters.flatMap((parameter) => {
      const { name } = parameter;
      const broken = valuesOf(parameter).map((value) => as(name, value));
      const own = OF_NAME[name]?.map(([value, status]) => as(name, value, status)) ?? [];
      return [as(name, `a&${name}=b`), as(name, '%00'), as(name, 'x'.repeat(TOO_LONG)), ...broken, ...own];
    }),
  ];
}

/** What the schema of a parameter leaves out. */
function valuesOf({ schema }: Parameter): readonly string[] {
  const isWord = schema.enum !== undefined || schema.format !== undefined || schema.type === 'integer';
  return [
    ...(isWord ? ['nonsense', ''] : []),
    ...(schema.type === 'integer' ? ['1.5', '1e2', '1e3x', '0x10', '%2010', '010', '99999999999999999999'] : []),
    ...(schema.minimum === undefined ? [] : [String(schema.minimum - 1)]),
    ...(schema.maximum === undefined ? [] : [String(Number(schema.maximum) + 1)]),
    ...(schema.format === 'date-time' ? DAYS_THAT_ARE_NONE.map(encodeURIComponent) : []),
  ];
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const OF_NAME: Readonly<Record<string, readonly (readonly [value: string, status: number[]])[]>> = {
  sort: ['colour', '-', '', ',', '__proto__', 'name;drop'].map((value) => [value, INVALID] as const),
  cursor: ['broken', '', '%21%21', encoded([]), encoded({}), encoded(['a', newId()]), encoded(['a\0', newId()])].map(
    (value) => [value, UNREADABLE] as const,
  ),
};

/** Addresses at which there is nothing, for each parameter of a path. */
export function hostilePaths(operation: Documented, call: Call): readonly HostileCase[] {
  const parts = call.path.split('/');
  const template = operation.path.split('/');
  const isUpsert = operation.responses['201'] !== undefined && operation.method === 'PUT';
  return template.flatMap((part, i) =>
    part.startsWith('{')
      ? ADDRESSES.filter(({ isName }) => !isName || !isUpsert).map(({ text, status }) => ({
          what: `${text.slice(0, 40)} as ${part}`,
          call: { ...call, path: parts.map((value, j) => (i === j ? text : value)).join('/') },
          status,
        }))
      : [],
  );
}

const ADDRESSES: readonly { readonly text: string; readonly status: readonly number[]; readonly isName?: true }[] = [
  { text: newId(), status: [404] },
  { text: 'nonsense', status: [404] },
  { text: 'name:', status: [404] },
  { text: 'name:%20', status: [404] },
  { text: 'name:a%00b', status: [404] },
  { text: 'name:a%0ab', status: [404] },
  { text: '%00', status: [404] },
  { text: '-1', status: [404] },
  { text: '99999999999999999999', status: [404] },
  { text: `${newId()}%2F..%2F..%2Fme`, status: [404] },
  { text: `name:${'x'.repeat(256)}`, status: [404] },
  { text: `name:${'x'.repeat(2_000)}`, status: [404, 414] },
  { text: `name:${'%C3%A4'.repeat(300)}`, status: [404, 414] },
  { text: 'name:%E0%A4%A', status: [400] },
  { text: '%FF', status: [400] },
  { text: 'name:nobody', status: [404], isName: true },
  { text: 'name:a%2Fb', status: [404], isName: true },
  { text: 'name:..%2F..%2Fme', status: [404], isName: true },
];

const nameOf = (operation: Documented, header: string): string | undefined =>
  operation.described.find(({ name }) => name.toLowerCase() === header)?.name;

/** Forms of `If-Match` with which nothing may be changed that is there. */
export function hostileMatches(operation: Documented, call: Call): readonly HostileCase[] {
  const name = nameOf(operation, 'if-match');
  if (name === undefined) return [];
  const { [name]: _, ...others } = call.headers;
  const as = (value: string, status: readonly number[]): HostileCase => ({
    what: `If-Match: ${value}`,
    call: { ...call, headers: { ...others, [name]: value } },
    status,
  });
  return [
    { what: 'no If-Match', call: { ...call, headers: others }, status: [428] },
    ...['"999"', '999', 'W/"1"', '""', '"1', '1"', '"', ',', '"999", "998"', '**', 'x'.repeat(1_000)].map((value) =>
      as(value, [412]),
    ),
    as('', [412, 428]),
  ];
}

/** Keys that are none. */
export function hostileKeys(operation: Documented, call: Call): readonly HostileCase[] {
  const name = nameOf(operation, 'idempotency-key');
  if (name === undefined) return [];
  return ['', 'x'.repeat(256), 'caf\u00e9', 'a\tb'].map((key) => ({
    what: `${name}: ${key.slice(0, 40)}`,
    call: { ...call, headers: { ...call.headers, [name]: key } },
    status: UNREADABLE,
  }));
}
