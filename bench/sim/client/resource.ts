import { createHash } from 'node:crypto';
import { bytesFields, fields } from '../../xds/client/protobuf.ts';
import { type Kind, typeUrlOf } from './kinds.ts';
import { POISON, type Reference, referencesIn } from './names.ts';

/** What a client knows of one resource by its bytes. */
export interface Resource {
  readonly name: string;
  /** Hash of type and bytes, worked out here: what EFMS calls it is compared with this. */
  readonly version: string;
  readonly references: readonly Reference[];
  readonly isPoisoned: boolean;
  /** Of endpoints, each with what is said of it; of secrets, the text that they hold. */
  readonly detail: string;
}

/** Every resource that this process has seen, by its version: thousands of clients get the same. */
const known = new Map<string, Resource>();

export function resourceOf(kind: Kind, value: Buffer): Resource {
  const version = createHash('sha256').update(typeUrlOf(kind)).update('\0').update(value).digest('hex');
  let resource = known.get(version);
  if (!resource) {
    const name = textOf(value, 1);
    resource = {
      name,
      version,
      references: referencesIn(kind, name, value),
      isPoisoned: value.includes(POISON),
      detail: kind === 'endpoint' ? endpointsIn(value) : kind === 'secret' ? secretIn(value) : '',
    };
    known.set(version, resource);
  }
  return resource;
}

/** An endpoint set in words: address and port of each, `/` and its health where it has one, `*` and its weight. */
export function endpointsIn(value: Buffer): string {
  return all(value, 2)
    .flatMap((locality) => all(locality, 2))
    .map((each) => {
      const socket = path(each, 1, 1, 1);
      const health = numberIn(each, 2);
      const weight = numberIn(path(each, 4), 1);
      const place = `${textOf(socket, 2)}:${numberIn(socket, 3)}`;
      return `${place}${health === 0 ? '' : `/${health}`}${weight === 0 ? '' : `*${weight}`}`;
    })
    .join(' ');
}

const secretIn = (value: Buffer): string => /value-\d+/.exec(value.toString('latin1'))?.[0] ?? '';

const EMPTY = Buffer.alloc(0);
const all = (message: Buffer, field: number): Buffer[] =>
  [...bytesFields(message)].filter(({ number }) => number === field).map(({ bytes }) => bytes);
const path = (message: Buffer, ...numbers: number[]): Buffer =>
  numbers.reduce((inner, number) => all(inner, number)[0] ?? EMPTY, message);
const textOf = (message: Buffer, field: number): string => path(message, field).toString();

function numberIn(message: Buffer, field: number): number {
  for (const { number, content } of fields(message))
    if (number === field && typeof content === 'number') return content;
  return 0;
}
