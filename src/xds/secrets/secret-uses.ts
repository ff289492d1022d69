import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';

/** One thing that would miss the secret. */
export interface SecretUse {
  readonly kind: 'branch' | 'assignment' | 'previousAssignment';
  /** Of the branch's configuration, or of the proxy. */
  readonly name: string;
  readonly id: string;
  /** For instance "branch main of configuration edge, version 3". */
  readonly detail: string;
}

/** Something right of this module that needs secrets to stay. */
export interface SecretUser {
  /** Called under the lock of the secret's row: whoever starts to use it locks that row too (`lockSecrets`). @param limit at most so many */
  usesOf(tx: Transaction, secretName: string, limit: number): Promise<readonly SecretUse[]>;
}

interface AssignmentRow {
  readonly id: string;
  readonly name: string;
  readonly current: boolean;
}

/** Who uses a secret: assignments, what they replaced and what proxies would fall back to, and whoever else made itself known. */
@Injectable()
export class SecretUses {
  private readonly users: SecretUser[] = [{ usesOf: assignmentsOf }];

  register(user: SecretUser): void {
    this.users.push(user);
  }

  /** @param limit of each kind of user */
  async of(tx: Transaction, secretName: string, limit: number): Promise<readonly SecretUse[]> {
    const found: SecretUse[] = [];
    for (const user of this.users) found.push(...(await user.usesOf(tx, secretName, limit)));
    return found;
  }
}

/**
 * Keeps these secrets from deletion until the transaction ends, for somebody who is about to use them. In order of their names, so that
 * two callers never wait for each other.
 * @returns the names that there is no secret of
 */
export async function lockSecrets(tx: Transaction, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const rows = await tx.query<{ name: string }>(
    'select name from secrets where name = any($1) order by name for key share',
    [names],
  );
  const found = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !found.has(name));
}

/** The same for the secrets that snapshots refer to. */
export async function lockSecretsOf(
  tx: Transaction,
  tenantId: string,
  hashes: readonly string[],
): Promise<readonly string[]> {
  const rows = await tx.query<{ name: string }>(
    `select distinct e.name from snapshots s cross join lateral jsonb_to_recordset(s.resources) as e (kind text, name text)
      where s.tenant_id = $1 and s.hash = any($2) and e.kind = 'secret'`,
    [tenantId, hashes],
  );
  return lockSecrets(
    tx,
    rows.map(({ name }) => name),
  );
}

async function assignmentsOf(tx: Transaction, secretName: string, limit: number): Promise<readonly SecretUse[]> {
  const rows = await tx.query<AssignmentRow>(
    `with holding as (
       select hash from snapshots where resources @> jsonb_build_array(jsonb_build_object('kind', 'secret', 'name', $1::text)))
     select p.id, p.name, a.snapshot_hash in (select hash from holding) as current
       from proxy_assignments a join envoy_proxies p on p.tenant_id = a.tenant_id and p.id = a.proxy_id
      where a.snapshot_hash in (select hash from holding) or a.previous_snapshot_hash in (select hash from holding)
         or a.good_hash in (select hash from holding)
      order by p.name limit $2`,
    [secretName, limit],
  );
  return rows.map(({ id, name, current }) => ({
    kind: current ? 'assignment' : 'previousAssignment',
    name,
    id,
    detail: current ? `proxy "${name}" is assigned it` : `proxy "${name}" would go back to it`,
  }));
}
