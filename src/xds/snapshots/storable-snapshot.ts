import { binaryArray } from '../../common/database/binary-array.js';
import { type JsonSlab, jsonSlab } from '../../common/threads/json-slab.js';
import type { ReadResource, SnapshotReading } from '../envoy-api/resource.js';

/** A snapshot as the database takes it, so that whoever stores it looks at none of its resources. */
export interface StorableSnapshot {
  readonly hash: string;
  /** Kind, name and version of each resource, in order of kind and name. */
  readonly entries: JsonSlab;
  /** Its resources, in an order that is the same for all who share some of them. */
  readonly rows: readonly ResourceRows[];
  readonly count: number;
  /** Of the encoded messages. */
  readonly byteSize: number;
}

/** Columns of some rows, as arrays in PostgreSQL's binary form. */
export type ResourceRows = Readonly<
  Record<'kinds' | 'hashes' | 'names' | 'values' | 'documents' | 'children' | 'references', Uint8Array<ArrayBuffer>>
>;

/** So many bytes of messages go into one statement, so that no step of the event loop handles more, and not more rows than that. */
const BYTES_AT_ONCE = 256 * 1024;
const ROWS_AT_ONCE = 1000;

/** @param reading of a document without errors and with at least one resource */
export function storableSnapshot({ hash, resources }: Pick<SnapshotReading, 'hash' | 'resources'>): StorableSnapshot {
  const entries = inOrderOfNames(resources).map(({ kind, name, version }) => JSON.stringify({ kind, name, version }));
  return {
    hash,
    entries: jsonSlab(entries),
    rows: [...pieces(inLockOrder(resources))].map(rowsOf),
    count: resources.length,
    byteSize: resources.reduce((total, { value }) => total + value.byteLength, 0),
  };
}

/** By kind and name, as `StorableSnapshot.entries` are. */
export function inOrderOfNames<T extends Pick<ReadResource, 'kind' | 'name'>>(resources: readonly T[]): T[] {
  return resources.toSorted((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name));
}

/** Writers that share resources lock them in the same order, and so never wait for each other in a circle. */
function inLockOrder(resources: readonly ReadResource[]): ReadResource[] {
  return resources.toSorted(
    (a, b) => compare(a.kind, b.kind) || compare(a.version, b.version) || compare(a.name, b.name),
  );
}

function* pieces(resources: readonly ReadResource[]): Generator<readonly ReadResource[]> {
  let piece: ReadResource[] = [];
  let bytes = 0;
  for (const resource of resources) {
    piece.push(resource);
    bytes += resource.value.byteLength;
    if (bytes < BYTES_AT_ONCE && piece.length < ROWS_AT_ONCE) continue;
    yield piece;
    piece = [];
    bytes = 0;
  }
  if (piece.length > 0) yield piece;
}

function rowsOf(resources: readonly ReadResource[]): ResourceRows {
  const texts = (of: (resource: ReadResource) => string): Uint8Array<ArrayBuffer> =>
    binaryArray('text', resources.map(of));
  return {
    kinds: texts(({ kind }) => kind),
    hashes: texts(({ version }) => version),
    names: texts(({ name }) => name),
    values: binaryArray(
      'bytea',
      resources.map(({ value }) => value),
    ),
    documents: binaryArray(
      'json',
      resources.map(({ json }) => JSON.stringify(json)),
    ),
    children: texts(({ children }) => JSON.stringify(children)),
    references: texts(({ references }) => JSON.stringify(references)),
  };
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
