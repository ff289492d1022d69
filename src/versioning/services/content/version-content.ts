import type { Finding } from '../../../common/errors/finding.js';
import { buffersOf, type JsonSlab, jsonSlab, textAt } from '../../../common/threads/json-slab.js';
import {
  type EnvoyApi,
  inOrderOfNames,
  type ReadResource,
  type StorableSnapshot,
  storableSnapshot,
} from '../../../xds/in-threads.js';
import type { JsonObject } from '../diff/json-diff.js';
import type { NamedResource } from '../diff/snapshot-diff.js';
import { configHash } from './config-hash.js';
import { type DefinitionRows, definitionRows } from './definition-rows.js';

/** Rows of the definition index by table; what a resource has in one is the text of its place in the snapshot's entries. */
export type IndexRows = Readonly<Record<keyof DefinitionRows, JsonSlab>>;

/** All that a version is made of, in the form in which it is stored, so that it is made in a thread and only sent on from the event loop. */
export interface VersionContent {
  /** Of the canonical JSON. */
  readonly hash: string;
  readonly snapshot: StorableSnapshot;
  /** Names of the secrets that it has, in the order in which they were sent. */
  readonly secrets: readonly string[];
  /** Canonical JSON of each resource, in order of the snapshot's entries. */
  readonly documents: JsonSlab;
  /** Kinds and names of everything that its resources name. */
  readonly references: JsonSlab;
  readonly rows: IndexRows;
}

export interface ContentReading {
  /** Pointers begin where the snapshot stands in the request. */
  readonly findings: readonly Finding[];
  /** Undefined where a finding is an error. */
  readonly content: VersionContent | undefined;
}

/** What is asked of a snapshot that is sent. */
export interface SentSnapshot {
  readonly snapshot: unknown;
  /** Of the version that it becomes, if it does. */
  readonly versionId: string;
}

/** Checks a snapshot, and makes all of it that is stored. */
export function readContent(api: EnvoyApi, { snapshot, versionId }: SentSnapshot): ContentReading {
  const reading = api.readSnapshot(snapshot);
  const findings = reading.findings.map((finding) => ({ ...finding, pointer: `/snapshot${finding.pointer}` }));
  if (findings.some(({ severity }) => severity === 'error')) return { findings, content: undefined };
  if (reading.resources.length === 0) return { findings: [EMPTY], content: undefined };
  const resources = inOrderOfNames(reading.resources);
  const named = resources.map(({ kind, name, json }): NamedResource => ({ kind, name, json: json as JsonObject }));
  const secrets = reading.resources.filter(({ kind }) => kind === 'secret').map(({ name }) => name);
  const content = {
    hash: configHash(named),
    snapshot: storableSnapshot(reading),
    secrets,
    documents: jsonSlab(named.map(({ json }) => JSON.stringify(json))),
    references: jsonSlab(referencesOf(resources)),
    rows: rowsOf(named, versionId),
  };
  return { findings, content };
}

/** What of a content is handed from one thread to another. */
export function buffersOfContent({ snapshot, documents, references, rows }: VersionContent): ArrayBuffer[] {
  return [
    ...buffersOf(snapshot.entries, documents, references, ...Object.values(rows)),
    ...snapshot.rows.flatMap((columns) => Object.values(columns).map(({ buffer }) => buffer)),
  ];
}

/** One resource in canonical JSON. */
export const documentAt = ({ documents }: VersionContent, index: number): string => textAt(documents, index);

const EMPTY: Finding = {
  pointer: '/snapshot',
  rule: 'snapshot.empty',
  detail: 'a version needs at least one resource; add listeners, clusters or routes',
  severity: 'error',
};

function referencesOf(resources: readonly ReadResource[]): string[] {
  const all = resources.flatMap(({ references }) => references.map(({ kind, name }) => JSON.stringify({ kind, name })));
  return [...new Set(all)];
}

function rowsOf(resources: readonly NamedResource[], versionId: string): IndexRows {
  const byResource = resources.map((resource) => definitionRows(versionId, [resource]));
  const slabOf = (table: keyof DefinitionRows): JsonSlab =>
    jsonSlab(byResource.map((rows) => rows[table].map((row) => JSON.stringify(row)).join(',')));
  return {
    listener_definitions: slabOf('listener_definitions'),
    filter_chains: slabOf('filter_chains'),
    route_definitions: slabOf('route_definitions'),
    route_matches: slabOf('route_matches'),
    cluster_definitions: slabOf('cluster_definitions'),
    cluster_endpoints: slabOf('cluster_endpoints'),
    cluster_health_checks: slabOf('cluster_health_checks'),
    endpoint_definitions: slabOf('endpoint_definitions'),
  };
}
