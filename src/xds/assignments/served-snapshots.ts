import { Injectable } from '@nestjs/common';
import { SecretResources, type SnapshotWithSecrets } from '../secrets/secret-resources.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { SnapshotCache } from '../snapshots/snapshot-cache.js';

/** What streams are served: snapshots, which never change, and the secrets that they refer to, which do. */
@Injectable()
export class ServedSnapshots {
  constructor(
    private readonly snapshots: SnapshotCache,
    private readonly secrets: SecretResources,
  ) {}

  /** @returns undefined where the tenant has no such snapshot */
  get(tenantId: string, hash: string): Promise<CompiledSnapshot | undefined> {
    return this.snapshots.get(tenantId, hash);
  }

  /** The snapshot with its secrets as they are now. @throws CannotUnseal */
  withSecrets(tenantId: string, snapshot: CompiledSnapshot): Promise<SnapshotWithSecrets> {
    return this.secrets.addTo(tenantId, snapshot);
  }
}
