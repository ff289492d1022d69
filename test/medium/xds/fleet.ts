import { newId } from '../../../src/common/context/ids.js';
import { systemContext } from '../../../src/common/context/request-context.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import type { ReadResource, SnapshotReading } from '../../../src/xds/envoy-api/index.js';
import type { ResourceKind } from '../../../src/xds/resource-types.js';
import { resourceVersion, snapshotHash } from '../../../src/xds/snapshots/compiled-snapshot.js';

/** A tenant with proxies, and the context to work in it. */
export class Fleet {
  readonly tenantId = newId();
  readonly ctx = systemContext(this.tenantId, 'test');

  constructor(private readonly database: Database) {}

  async create(): Promise<this> {
    await this.database.system((tx) =>
      tx.query('insert into tenants (id, name) values ($1, $2)', [this.tenantId, `tenant ${this.tenantId}`]),
    );
    return this;
  }

  async addProxy(name: string = newId()): Promise<string> {
    const id = newId();
    await this.database.tenant(this.ctx, (tx) =>
      tx.query('insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, $2, $3, $3)', [
        this.tenantId,
        id,
        name,
      ]),
    );
    return id;
  }

  async removeProxy(id: string): Promise<void> {
    await this.database.tenant(this.ctx, (tx) => tx.query('delete from envoy_proxies where id = $1', [id]));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.database.tenant(this.ctx, work);
  }

  /** Runs SQL as `efms_system`. */
  system<T extends object>(sql: string, params: readonly unknown[] = []): Promise<T[]> {
    return this.database.system((tx) => tx.query<T>(sql, params));
  }

  query<T extends object>(sql: string, params: readonly unknown[] = []): Promise<T[]> {
    return this.database.tenant(this.ctx, (tx) => tx.query<T>(sql, params));
  }
}

const resource = (
  kind: ResourceKind,
  name: string,
  json: ReadResource['json'],
  children: ReadResource['children'],
): ReadResource => {
  const value = Buffer.from(JSON.stringify(json));
  return { kind, name, value, version: resourceVersion(kind, value), json, children, references: [] };
};

/** A reading whose "encoded" bytes are its JSON: nothing here looks into them. */
export function readingOf(clusters: readonly string[], marker = ''): SnapshotReading {
  const resources = clusters.flatMap((name) => [
    resource('cluster', name, { name, alt_stat_name: marker }, [{ kind: 'endpoint', name }]),
    resource('endpoint', name, { cluster_name: name, marker }, []),
  ]);
  return { findings: [], resources, hash: snapshotHash(resources) };
}
