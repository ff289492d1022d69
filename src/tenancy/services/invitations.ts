import { Injectable } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import { recordAction } from '../../common/audit/record.js';
import { Clock } from '../../common/clock/clock.js';
import { newId } from '../../common/context/ids.js';
import { newToken } from '../../common/crypto/tokens.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { addToCredentialIndex, lookupHash, removeFromCredentialIndex } from '../credential-index.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { hashPassword } from './passwords.js';
import { endSessions } from './session-rows.js';
import type { Origin } from './sessions.service.js';

/** A token that sets a password once; only its hash is kept. */
export interface Invitation {
  readonly token: string;
  readonly expiresAt: Date;
}

interface InvitationRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly user_id: string;
  readonly email: string;
}

const LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;

/** How people get their first password, or a new one when it is lost, without anybody else knowing it. */
@Injectable()
export class Invitations {
  constructor(
    private readonly database: Database,
    private readonly denied: DeniedAccessLog,
    private readonly clock: Clock,
  ) {}

  /** Invites a user, in the caller's transaction; an older invitation ends. */
  async issue(tx: Transaction, user: { readonly tenantId: string; readonly id: string }): Promise<Invitation> {
    await endInvitations(tx, user.id);
    return this.add(tx, user);
  }

  /** The same for a user that was just made, and so has none. */
  async add(tx: Transaction, user: { readonly tenantId: string; readonly id: string }): Promise<Invitation> {
    const token = newToken('efmsi');
    const [id, hash, expiresAt] = [newId(), lookupHash(token), new Date(this.clock.now() + LIFETIME_MS)];
    await tx.query(
      'insert into user_invitations (tenant_id, id, user_id, token_hash, expires_at) values ($1, $2, $3, $4, $5)',
      [user.tenantId, id, user.id, hash, expiresAt],
    );
    await addToCredentialIndex(tx, { kind: 'invitation', hash, tenantId: user.tenantId, subjectId: id });
    return { token, expiresAt };
  }

  /** Sets the password; the token is used up and every session of the user ends. @throws ProblemError 401, for every bad token the same */
  async accept(origin: Origin, token: string, password: string): Promise<void> {
    const row = await this.find(token);
    if (!row) throw this.refused(origin);
    const passwordHash = await hashPassword(password);
    const { tenant_id: tenantId, user_id: userId, email } = row;
    const context = { tenantId, actor: { kind: 'user' as const, id: userId, name: email }, ...origin };
    const isAccepted = await this.database.tenant(context, async (tx) => {
      if (!(await endInvitations(tx, userId)).includes(row.id)) return false;
      await tx.query('update users set password_hash = $2 where id = $1', [userId, passwordHash]);
      await endSessions(tx, userId);
      await recordAction(tx, context, {
        action: 'accept invitation',
        resourceType: 'users',
        resourceId: userId,
        resourceName: email,
        changes: {},
      });
      return true;
    });
    if (!isAccepted) throw this.refused(origin);
  }

  private async find(token: string): Promise<InvitationRow | undefined> {
    const rows = await this.database.system((tx) =>
      tx.query<InvitationRow>(
        `select i.tenant_id, i.id, i.user_id, u.email
           from credential_index c
           join user_invitations i on (i.tenant_id, i.id) = (c.tenant_id, c.subject_id)
           join users u on (u.tenant_id, u.id) = (i.tenant_id, i.user_id)
           join tenants t on t.id = i.tenant_id
          where c.kind = 'invitation' and c.lookup_hash = $1 and i.expires_at > $2 and u.is_active and t.is_active`,
        [lookupHash(token), new Date(this.clock.now())],
      ),
    );
    return rows[0];
  }

  private refused(origin: Origin): Error {
    this.denied.record({
      tenantId: null,
      actor: { kind: 'user', id: null, name: 'unknown' },
      action: 'accept invitation',
      resourceType: 'users',
      reason: 'the invitation is unknown, used or expired',
      ...origin,
    });
    return tenancyProblems.invitationEnded({ detail: 'Ask an admin of the tenant for a new one.' });
  }
}

/** Ends the invitations of a user. @returns their ids */
export async function endInvitations(tx: Transaction, userId: string): Promise<readonly string[]> {
  const rows = await tx.query<{ id: string }>('delete from user_invitations where user_id = $1 returning id', [userId]);
  const ids = rows.map(({ id }) => id);
  await removeFromCredentialIndex(tx, ids);
  return ids;
}
