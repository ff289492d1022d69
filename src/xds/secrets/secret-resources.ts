import { Injectable } from '@nestjs/common';
import { sealedUnder } from '../../common/crypto/sealing.js';
import { Database } from '../../common/database/database.js';
import { DataKeys } from '../../tenancy/index.js';
import type { CompiledSnapshot, EncodedResource } from '../snapshots/compiled-snapshot.js';
import { type SealedVersion, unsealVersion } from './secret-versions.js';
import type { SecretType } from './secret-values.js';

/** A snapshot with the secrets that it refers to, as they are now. */
export interface SnapshotWithSecrets {
  /** With all of them; the same object for as long as none has changed. */
  readonly full: CompiledSnapshot;
  /** With those alone that anybody may see: for streams that could be listened to. */
  readonly open: CompiledSnapshot;
}

interface Row extends SealedVersion {
  readonly name: string;
  readonly type: SecretType;
}

interface Opened {
  readonly resource: EncodedResource;
  readonly isPublic: boolean;
}

/** Opened secrets that nothing else holds are kept up to this many bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Secrets as proxies are given them. They are open in memory only. Their version on the wire is the id of the stored version: it never
 * has another content, and unlike a hash it tells nothing of it.
 */
@Injectable()
export class SecretResources {
  /** By tenant and version, the least recently used first. A version never changes. */
  private readonly opened = new Map<string, Opened>();
  private bytes = 0;
  private readonly views = new WeakMap<CompiledSnapshot, SnapshotWithSecrets & { readonly key: string }>();

  constructor(
    private readonly database: Database,
    private readonly keys: DataKeys,
  ) {}

  /**
   * Names that the tenant has no secret of are left out: the proxy waits for them.
   * @throws CannotUnseal where one cannot be opened: to leave it out would take it away from proxies
   */
  async addTo(tenantId: string, snapshot: CompiledSnapshot): Promise<SnapshotWithSecrets> {
    if (snapshot.secretNames.length === 0) return { full: snapshot, open: snapshot };
    const secrets = await this.resolve(tenantId, snapshot.secretNames);
    const key = secrets.map(({ resource }) => resource.version).join();
    const known = this.views.get(snapshot);
    if (known?.key === key) return known;
    const view = {
      key,
      full: snapshot.withSecrets(secrets.map(({ resource }) => resource)),
      open: snapshot.withSecrets(secrets.filter(({ isPublic }) => isPublic).map(({ resource }) => resource)),
    };
    this.views.set(snapshot, view);
    return view;
  }

  private resolve(tenantId: string, names: readonly string[]): Promise<Opened[]> {
    return this.database.system(async (tx) => {
      const rows = await tx.query<Row>(
        `select s.name, s.secret_type as type, v.id, v.number, v.ciphertext
           from secrets s join secret_versions v on v.tenant_id = s.tenant_id and v.secret_id = s.id and v.number = s.current_version
          where s.tenant_id = $1 and s.name = any($2) order by s.name`,
        [tenantId, names],
      );
      const found: Opened[] = [];
      for (const row of rows) {
        const place = `${tenantId}/${row.id}`;
        let opened = this.opened.get(place);
        if (!opened) {
          const value = unsealVersion(await this.keys.named(tx, tenantId, sealedUnder(row.ciphertext)), tenantId, row);
          const resource: EncodedResource = { kind: 'secret', name: row.name, version: row.id, value, children: [] };
          opened = { resource, isPublic: row.type === 'validationContext' };
        }
        this.keep(place, opened);
        found.push(opened);
      }
      return found;
    });
  }

  private keep(place: string, opened: Opened): void {
    if (!this.opened.delete(place)) this.bytes += opened.resource.value.byteLength;
    this.opened.set(place, opened);
    for (const [key, { resource }] of this.opened) {
      if (this.bytes <= MAX_BYTES) return;
      this.opened.delete(key);
      this.bytes -= resource.value.byteLength;
    }
  }
}
