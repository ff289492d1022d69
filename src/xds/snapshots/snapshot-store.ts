import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { binaryArray } from '../../common/database/binary-array.js';
import { type JsonSlab, wholeArray } from '../../common/threads/json-slab.js';
import { Slices } from '../../common/threads/slices.js';
import type { JsonObject } from '../envoy-api/index.js';
import { RESOURCE_TYPES, type ResourceCollection, type ResourceKind, resourceType } from '../resource-types.js';
import { CompiledSnapshot, type EncodedResource, type ResourceReference } from './compiled-snapshot.js';
import { compare, type StorableSnapshot } from './storable-snapshot.js';

/** A snapshot as people read it: per kind that it has, the resources in canonical JSON, in order of their names. */
export type SnapshotDocument = Partial<Record<ResourceCollection, JsonObject[]>>;

/** A resource that two snapshots do not have alike. */
export interface ResourceDifference {
  readonly kind: ResourceKind;
  readonly name: string;
  /** Its place in the entries of the later one; null where that has none of its name. */
  readonly index: number | null;
  /** Whether the earlier one has one of its name. */
  readonly wasThere: boolean;
  /** Canonical JSON, where both have one of its name; `after` of stored snapshots alone. */
  readonly before: string | null;
  readonly after: string | null;
}

/** Finds or keeps a resource that is in memory already, by kind and version within its tenant. */
export interface ResourcePool {
  get(tenantId: string, kind: ResourceKind, version: string): EncodedResource | undefined;
  set(tenantId: string, resource: EncodedResource): void;
}

/** What a snapshot is made of, without the content. */
interface ResourceEntry {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly version: string;
}

interface ContentRow {
  readonly kind: ResourceKind;
  readonly hash: string;
  readonly value: Buffer;
  readonly children: readonly ResourceReference[];
}

/**
 * Snapshots by content. A resource is stored once per tenant, whatever the number of snapshots that hold it, and a snapshot once,
 * whatever the number of versions that are equal to it.
 */
@Injectable()
export class SnapshotStore {
  constructor(private readonly database: Database) {}

  /**
   * Stores a snapshot in the caller's transaction, as `efms_app`. What is stored already is kept, and marked as young again so that
   * the collector, which waits for the rows' locks, spares it.
   */
  async save(tx: Transaction, tenantId: string, snapshot: StorableSnapshot): Promise<void> {
    const { hash, entries, rows, count, byteSize } = snapshot;
    for (const { kinds, hashes, names, values, documents, children, references } of rows) {
      const columns = [kinds, hashes, names, values, documents, children, references];
      await tx.query(
        `insert into snapshot_resources as r (tenant_id, kind, hash, name, value, json, children, refers_to)
         select $1, kind, hash, name, value, json, children::jsonb, refers_to::jsonb
           from unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::json[], $7::text[], $8::text[])
             as n (kind, hash, name, value, json, children, refers_to)
         on conflict (tenant_id, kind, hash) do update set saved_at = now() where r.saved_at < now() - interval '1 hour'`,
        [tenantId, ...columns.map((column) => Buffer.from(column.buffer))],
      );
    }
    await tx.query(
      `insert into snapshots as s (tenant_id, hash, resources, resource_count, byte_size) values ($1, $2, $3::text::jsonb, $4, $5)
       on conflict (tenant_id, hash) do update set saved_at = now() where s.saved_at < now() - interval '1 hour'`,
      [tenantId, hash, wholeArray(entries), count, byteSize],
    );
  }

  /**
   * What a snapshot has otherwise than another one: resources that only one of them has, or both with other content; in order of kind and
   * name. Contents come as text, which whoever compares them reads one by one.
   * @param from null for one without resources
   * @param to a stored snapshot, or the entries of one that is not
   */
  async differences(
    tx: Transaction,
    tenantId: string,
    { from, to }: { readonly from: string | null; readonly to: string | JsonSlab },
  ): Promise<readonly ResourceDifference[]> {
    const isStored = typeof to === 'string';
    const ofStored = (hash: string): string =>
      `(select resources from snapshots where tenant_id = $1 and hash = ${hash})`;
    return tx.query<ResourceDifference>(
      `with was as (select * from jsonb_to_recordset(${ofStored('$2')}) as e(kind text, name text, version text)),
            now as (select kind, name, version, (i - 1)::integer as i
                      from rows from (jsonb_to_recordset(${isStored ? ofStored('$3') : '$3::text::jsonb'})
                             as (kind text, name text, version text)) with ordinality as e(kind, name, version, i))
       select coalesce(now.kind, was.kind) as kind, coalesce(now.name, was.name) as name, now.i as index,
              was.version is not null as "wasThere", before.json::text as before, after.json::text as after
         from now full join was on was.kind = now.kind and was.name = now.name
         left join snapshot_resources before
           on now.version is not null and before.tenant_id = $1 and before.kind = was.kind and before.hash = was.version
         left join snapshot_resources after
           on $4::boolean and was.version is not null
              and after.tenant_id = $1 and after.kind = now.kind and after.hash = now.version
        where now.version is distinct from was.version
        order by coalesce(now.kind, was.kind) || '/' || coalesce(now.name, was.name) collate "C"`,
      [tenantId, from, isStored ? to : wholeArray(to), isStored],
    );
  }

  /** The snapshot in canonical JSON; undefined where the tenant has no such snapshot. */
  async document(tx: Transaction, tenantId: string, hash: string): Promise<SnapshotDocument | undefined> {
    const rows = await tx.query<{ kind: ResourceKind; name: string; json: JsonObject }>(
      `select r.kind, r.name, r.json
         from snapshots s
         cross join lateral jsonb_to_recordset(s.resources) as e(kind text, version text)
         join snapshot_resources r on r.tenant_id = s.tenant_id and r.kind = e.kind and r.hash = e.version
        where s.tenant_id = $1 and s.hash = $2`,
      [tenantId, hash],
    );
    if (rows.length === 0) return undefined;
    const document: SnapshotDocument = {};
    rows.sort((a, b) => compare(a.name, b.name));
    for (const { kind, collection } of RESOURCE_TYPES) {
      const resources = rows.filter((row) => row.kind === kind).map((row) => row.json);
      if (resources.length > 0) document[collection] = resources;
    }
    return document;
  }

  /**
   * Reads a snapshot for serving, as `efms_system`; of secrets only their names. Resources that the pool has are not read again, so snapshots that share most of
   * their content share its bytes.
   * @returns undefined where the tenant has no such snapshot
   */
  async load(tenantId: string, hash: string, pool?: ResourcePool): Promise<CompiledSnapshot | undefined> {
    return this.database.system(async (tx) => {
      const [snapshot] = await tx.query<{ resources: readonly ResourceEntry[] }>(
        'select resources from snapshots where tenant_id = $1 and hash = $2',
        [tenantId, hash],
      );
      if (!snapshot) return undefined;
      const secretNames = snapshot.resources.filter(({ kind }) => kind === 'secret').map(({ name }) => name);
      const entries = snapshot.resources.filter(({ kind }) => kind !== 'secret');
      const found = entries.map((entry) => pool?.get(tenantId, entry.kind, entry.version));
      const missing = entries.filter((_, i) => found[i] === undefined);
      const contents = await readContents(tx, tenantId, missing);
      const resources: EncodedResource[] = [];
      const slices = new Slices();
      for (const [i, entry] of entries.entries()) {
        await slices.next();
        const resource = found[i] ?? encodedResource(entry, contents.get(keyOf(entry.kind, entry.version)));
        if (!found[i]) pool?.set(tenantId, resource);
        resources.push(resource);
      }
      return new CompiledSnapshot(hash, resources, secretNames);
    });
  }
}

async function readContents(
  tx: Transaction,
  tenantId: string,
  entries: readonly ResourceEntry[],
): Promise<Map<string, ContentRow>> {
  if (entries.length === 0) return new Map();
  const rows = await tx.query<ContentRow>(
    `select r.kind, r.hash, r.value, r.children
       from unnest($2::text[], $3::text[]) as e(kind, version)
       join snapshot_resources r on r.tenant_id = $1 and r.kind = e.kind and r.hash = e.version`,
    [tenantId, textArray(entries.map(({ kind }) => kind)), textArray(entries.map(({ version }) => version))],
  );
  return new Map(rows.map((row) => [keyOf(row.kind, row.hash), row]));
}

/** `pg` would escape each text, and PostgreSQL read it again. */
const textArray = (texts: readonly string[]): Buffer => Buffer.from(binaryArray('text', texts).buffer);

function encodedResource(entry: ResourceEntry, row: ContentRow | undefined): EncodedResource {
  // Serving the rest without it would take the resource away from proxies.
  if (!row) throw new Error(`the content of ${resourceType(entry.kind).collection} ${entry.version} is missing`);
  return { kind: entry.kind, name: entry.name, version: entry.version, value: row.value, children: row.children };
}

const keyOf = (kind: ResourceKind, version: string): string => `${kind}/${version}`;
