import { Inject, Injectable } from '@nestjs/common';
import { Keys } from '../../common/crypto/keys.js';
import { type MasterKey, resealed, type SealingKey, unsealByMaster } from '../../common/crypto/sealing.js';
import type { Database, Transaction } from '../../common/database/database.js';

interface KeyRow {
  readonly id: string;
  readonly wrapped_key: string;
}

/** Open keys that are remembered; beyond it the oldest is opened again when it is needed. */
const MAX_KNOWN = 10_000;

/** The keys that secrets of tenants are sealed with, opened with the master key and kept open in memory only. */
@Injectable()
export class DataKeys {
  /** A key never changes under its id. */
  private readonly known = new Map<string, SealingKey>();

  constructor(@Inject(Keys) private readonly keys: Keys) {}

  /** The key that the tenant's new secrets are sealed with. */
  async current(tx: Transaction, tenantId: string): Promise<SealingKey> {
    const [row] = await tx.query<KeyRow>(
      'select id, wrapped_key from tenant_data_keys where tenant_id = $1 order by created_at desc, id desc limit 1',
      [tenantId],
    );
    return this.open(tenantId, row);
  }

  /** The key that a ciphertext of the tenant names. @throws CannotUnseal under another master key */
  async named(tx: Transaction, tenantId: string, id: string): Promise<SealingKey> {
    const known = this.known.get(`${tenantId}/${id}`);
    if (known) return known;
    const [row] = await tx.query<KeyRow>(
      'select id, wrapped_key from tenant_data_keys where tenant_id = $1 and id = $2',
      [tenantId, id],
    );
    return this.open(tenantId, row);
  }

  private open(tenantId: string, row: KeyRow | undefined): SealingKey {
    if (!row) throw new Error(`a data key of tenant ${tenantId} is missing`);
    const place = `${tenantId}/${row.id}`;
    const known = this.known.get(place);
    if (known) return known;
    const key = {
      id: row.id,
      key: unsealByMaster(this.keys.masterKey, row.wrapped_key, placeOfDataKey(tenantId, row.id)),
    };
    this.known.set(place, key);
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_KNOWN && oldest !== undefined) this.known.delete(oldest);
    return key;
  }
}

/**
 * Wraps the keys of all tenants anew that are wrapped under a master key of before. Replicas may work meanwhile; what was wrapped anew
 * stays so where it is broken off.
 * @returns how many were wrapped anew
 * @throws CannotUnseal where one is wrapped under a master key that is not given; those before it are done
 */
export async function rewrapDataKeys(database: Database, master: MasterKey): Promise<number> {
  let done = 0;
  for (;;) {
    const rewrapped = await database.system((tx) => rewrapSome(tx, master));
    done += rewrapped;
    if (rewrapped < BATCH) return done;
  }
}

async function rewrapSome(tx: Transaction, master: MasterKey): Promise<number> {
  const rows = await tx.query<KeyRow & { readonly tenant_id: string }>(
    `select tenant_id, id, wrapped_key from tenant_data_keys where master_key_id <> $1 order by tenant_id, id limit $2 for update`,
    [master.id, BATCH],
  );
  await tx.query(
    `update tenant_data_keys k set wrapped_key = r.wrapped_key, master_key_id = $1
       from unnest($2::uuid[], $3::uuid[], $4::text[]) as r (tenant_id, id, wrapped_key)
      where k.tenant_id = r.tenant_id and k.id = r.id`,
    [
      master.id,
      rows.map((row) => row.tenant_id),
      rows.map((row) => row.id),
      rows.map((row) => resealed(master, row.wrapped_key, placeOfDataKey(row.tenant_id, row.id)) ?? row.wrapped_key),
    ],
  );
  return rows.length;
}

const BATCH = 500;

/** What a wrapped key is bound to. */
export const placeOfDataKey = (tenantId: string, keyId: string): readonly string[] => [
  tenantId,
  'tenant_data_keys',
  keyId,
];
