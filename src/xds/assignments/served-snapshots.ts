import { Injectable } from '@nestjs/common';
import { OverriddenSnapshots } from '../overrides/overridden-snapshots.js';
import { SecretResources, type SnapshotWithSecrets } from '../secrets/secret-resources.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { SnapshotCache } from '../snapshots/snapshot-cache.js';
import type { Target } from './targets.js';

/** What streams are served: snapshots, which never change, and what is laid over them, which does. */
@Injectable()
export class ServedSnapshots {
  constructor(
    private readonly snapshots: SnapshotCache,
    private readonly overridden: OverriddenSnapshots,
    private readonly secrets: SecretResources,
  ) {}

  /** @returns undefined where the tenant has no such snapshot */
  get(tenantId: string, hash: string): Promise<CompiledSnapshot | undefined> {
    return this.snapshots.get(tenantId, hash);
  }

  /** The snapshot with its endpoints as they are overridden now, and its secrets as they are now. @throws CannotUnseal */
  async current({ tenantId, overridesInEffect }: Target, snapshot: CompiledSnapshot): Promise<SnapshotWithSecrets> {
    const served = overridesInEffect === 0 ? snapshot : await this.overridden.applyTo(tenantId, snapshot);
    return this.secrets.addTo(tenantId, served);
  }
}
