import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';
import { EnvoyApi } from '../envoy-api/index.js';
import { type CompiledSnapshot, type EncodedResource, resourceVersion } from '../snapshots/compiled-snapshot.js';
import { type EndpointChange, overrideEndpoints } from './overridden-endpoints.js';

interface Row extends Omit<EndpointChange, 'weight'> {
  readonly clusterName: string;
  readonly weight: string | null;
}

interface View {
  readonly key: string;
  readonly snapshot: CompiledSnapshot;
}

/**
 * Snapshots as they are served while endpoints are overridden. Only endpoint sets that an override touches are other resources, with
 * versions of their content; a replica makes them once per snapshot and overrides, whatever the number of proxies.
 */
@Injectable()
export class OverriddenSnapshots {
  private readonly views = new WeakMap<CompiledSnapshot, View>();

  constructor(
    private readonly database: Database,
    private readonly api: EnvoyApi,
  ) {}

  /** With the overrides that are in effect now, on the database's clock. @returns the same object for as long as they are the same */
  async applyTo(tenantId: string, snapshot: CompiledSnapshot): Promise<CompiledSnapshot> {
    const sets = snapshot.resources('endpoint');
    if (sets.size === 0) return snapshot;
    const rows = (await this.inEffect(tenantId)).filter(({ clusterName }) => sets.has(clusterName));
    if (rows.length === 0) return snapshot;
    const key = JSON.stringify(rows);
    const known = this.views.get(snapshot);
    if (known?.key === key) return known.snapshot;
    const view = { key, snapshot: this.overridden(snapshot, rows) };
    this.views.set(snapshot, view);
    return view.snapshot;
  }

  private overridden(snapshot: CompiledSnapshot, rows: readonly Row[]): CompiledSnapshot {
    const changes = Map.groupBy(rows, ({ clusterName }) => clusterName);
    const replaced = [...changes].flatMap(([name, ofSet]) => {
      const set = snapshot.resources('endpoint').get(name);
      return (set && this.overrideSet(set, ofSet)) ?? [];
    });
    return replaced.length === 0 ? snapshot : snapshot.withReplaced(replaced);
  }

  private overrideSet(set: EncodedResource, rows: readonly Row[]): EncodedResource | undefined {
    const changes = rows.map((row) => ({ ...row, weight: row.weight === null ? null : Number(row.weight) }));
    const json = overrideEndpoints(this.api.toJson('endpoint', set.value), changes);
    if (!json) return undefined;
    const value = this.api.encode('endpoint', json);
    return { ...set, value, version: resourceVersion('endpoint', value) };
  }

  private inEffect(tenantId: string): Promise<Row[]> {
    return this.database.system((tx) =>
      tx.query<Row>(
        `select cluster_name as "clusterName", address, port, health_status as "healthStatus", weight from endpoint_overrides
          where tenant_id = $1 and (expires_at is null or expires_at > now()) order by cluster_name, address, port`,
        [tenantId],
      ),
    );
  }
}
