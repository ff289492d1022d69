import { Injectable } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import { recordAction } from '../../common/audit/record.js';
import { Clock } from '../../common/clock/clock.js';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { newToken } from '../../common/crypto/tokens.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { addToCredentialIndex, lookupHash, removeFromCredentialIndex } from '../credential-index.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { ACCESS_TOKEN_LIFETIME, AccessTokens } from './access-tokens.js';
import { LoginAttempts } from './login-attempts.js';
import { passwordMatches } from './passwords.js';

/** Where a request without a credential comes from; for the audit log. */
export interface Origin {
  readonly requestId: string;
  readonly ip?: string;
  readonly userAgent?: string;
}

export interface Session {
  readonly accessToken: string;
  /** Seconds that the access token is valid. */
  readonly expiresIn: number;
  /** Usable once, to get the next session. */
  readonly refreshToken: string;
}

interface LoginRow {
  readonly tenant_id: string;
  readonly user_id: string;
  readonly email: string;
  readonly password_hash: string | null;
}

interface RefreshRow {
  readonly tenant_id: string;
  readonly token_id: string;
  readonly family_id: string;
  readonly user_id: string;
  readonly email: string;
}

interface Owner {
  readonly tenantId: string;
  readonly userId: string;
  readonly familyId: string;
}

const REFRESH_LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;

/** Logins, and what keeps them alive: a short access token, and refresh tokens that are each used once. */
@Injectable()
export class Sessions {
  constructor(
    private readonly database: Database,
    private readonly accessTokens: AccessTokens,
    private readonly denied: DeniedAccessLog,
    private readonly attempts: LoginAttempts,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws ProblemError 401, the same and after the same time for an unknown e-mail and a wrong password; 429 after too many of either
   */
  async login(origin: Origin, email: string, password: string): Promise<Session> {
    const attempt = { account: email.toLowerCase(), ...(origin.ip === undefined ? {} : { ip: origin.ip }) };
    await this.attempts.begin(attempt);
    const row = await this.findUser(attempt.account);
    if (!(await passwordMatches(row?.password_hash, password)) || !row) {
      this.refuse(origin, 'login', 'e-mail or password is wrong', row);
      throw tenancyProblems.loginFailed();
    }
    await this.attempts.succeeded(attempt);
    const owner = { tenantId: row.tenant_id, userId: row.user_id, familyId: newId() };
    const refreshToken = await this.database.tenant({ tenantId: owner.tenantId }, async (tx) => {
      await this.forgetExpired(tx, owner.userId);
      await recordAction(tx, contextOf(origin, row), {
        action: 'login',
        resourceType: 'session',
        resourceId: owner.familyId,
        resourceName: row.email,
        changes: {},
      });
      return this.addRefreshToken(tx, owner);
    });
    return this.session(owner, refreshToken);
  }

  /**
   * Exchanges a refresh token for the next session. A token that comes a second time was stolen, from or by whoever
   * sent it, so everything that came of its login ends.
   * @throws ProblemError 401
   */
  async refresh(origin: Origin, token: string): Promise<Session> {
    const row = await this.findRefreshToken(token);
    if (!row) {
      this.refuse(origin, 'refresh', 'the refresh token is unknown');
      throw tenancyProblems.sessionEnded();
    }
    const owner = { tenantId: row.tenant_id, userId: row.user_id, familyId: row.family_id };
    const outcome = await this.database.tenant({ tenantId: owner.tenantId }, async (tx) => {
      await lockFamily(tx, owner.familyId);
      const state = await useUp(tx, row.token_id, new Date(this.clock.now()));
      if (state === 'reused') await revokeFamily(tx, owner.familyId);
      return state === 'fresh' ? { next: await this.addRefreshToken(tx, owner) } : { state };
    });
    if (outcome.next !== undefined) return this.session(owner, outcome.next);
    this.refuse(
      origin,
      'refresh',
      outcome.state === 'reused' ? 'a refresh token came twice; its session was ended' : 'the session has ended',
      row,
    );
    throw tenancyProblems.sessionEnded();
  }

  /** Ends the login that the refresh token belongs to; an unknown token is no mistake. */
  async logout(token: string): Promise<void> {
    const row = await this.findRefreshToken(token);
    if (!row) return;
    await this.database.tenant({ tenantId: row.tenant_id }, async (tx) => {
      await lockFamily(tx, row.family_id);
      await revokeFamily(tx, row.family_id);
    });
  }

  private async session(owner: Owner, refreshToken: string): Promise<Session> {
    return { accessToken: await this.accessTokens.issue(owner), expiresIn: ACCESS_TOKEN_LIFETIME, refreshToken };
  }

  private async findUser(email: string): Promise<LoginRow | undefined> {
    const rows = await this.database.system((tx) =>
      tx.query<LoginRow>(
        `select u.tenant_id, u.id as user_id, u.email, u.password_hash
           from credential_index i
           join users u on (u.tenant_id, u.id) = (i.tenant_id, i.subject_id)
           join tenants t on t.id = u.tenant_id
          where i.kind = 'email' and i.lookup_hash = $1 and u.is_active and t.is_active`,
        [lookupHash(email)],
      ),
    );
    return rows[0];
  }

  private async findRefreshToken(token: string): Promise<RefreshRow | undefined> {
    const rows = await this.database.system((tx) =>
      tx.query<RefreshRow>(
        `select r.tenant_id, r.id as token_id, r.family_id, r.user_id, u.email
           from credential_index i
           join refresh_tokens r on (r.tenant_id, r.id) = (i.tenant_id, i.subject_id)
           join users u on (u.tenant_id, u.id) = (r.tenant_id, r.user_id)
           join tenants t on t.id = u.tenant_id
          where i.kind = 'refresh_token' and i.lookup_hash = $1 and u.is_active and t.is_active`,
        [lookupHash(token)],
      ),
    );
    return rows[0];
  }

  private async addRefreshToken(tx: Transaction, { tenantId, userId, familyId }: Owner): Promise<string> {
    const token = newToken('efmsr');
    const id = newId();
    const hash = lookupHash(token);
    await tx.query(
      `insert into refresh_tokens (tenant_id, id, user_id, family_id, token_hash, expires_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [tenantId, id, userId, familyId, hash, new Date(this.clock.now() + REFRESH_LIFETIME_MS)],
    );
    await addToCredentialIndex(tx, { kind: 'refresh_token', hash, tenantId, subjectId: id });
    return token;
  }

  /** Each login clears what the same person's older ones left, so that the table needs no sweeper. */
  private async forgetExpired(tx: Transaction, userId: string): Promise<void> {
    const gone = await tx.query<{ id: string }>(
      'delete from refresh_tokens where user_id = $1 and expires_at <= $2 returning id',
      [userId, new Date(this.clock.now())],
    );
    await removeFromCredentialIndex(
      tx,
      gone.map(({ id }) => id),
    );
  }

  private refuse(origin: Origin, action: string, reason: string, row?: LoginRow | RefreshRow): void {
    this.denied.record({
      tenantId: row?.tenant_id ?? null,
      actor: { kind: 'user', id: row?.user_id ?? null, name: row?.email ?? 'unknown' },
      action,
      resourceType: 'session',
      reason,
      ...origin,
    });
  }
}

function contextOf(origin: Origin, { tenant_id: tenantId, user_id: id, email: name }: LoginRow): RequestContext {
  return { tenantId, actor: { kind: 'user', id, name }, ...origin };
}

/** Takes turns with every other use of the family, also with those that add a token to it. */
async function lockFamily(tx: Transaction, familyId: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [familyId]);
}

async function useUp(tx: Transaction, tokenId: string, now: Date): Promise<'fresh' | 'reused' | 'ended'> {
  const rows = await tx.query<{ used_at: Date | null; revoked_at: Date | null; expires_at: Date }>(
    'select used_at, revoked_at, expires_at from refresh_tokens where id = $1',
    [tokenId],
  );
  const [token] = rows;
  if (!token || token.revoked_at !== null || token.expires_at <= now) return 'ended';
  if (token.used_at !== null) return 'reused';
  await tx.query('update refresh_tokens set used_at = $2 where id = $1', [tokenId, now]);
  return 'fresh';
}

async function revokeFamily(tx: Transaction, familyId: string): Promise<void> {
  await tx.query('update refresh_tokens set revoked_at = now() where family_id = $1 and revoked_at is null', [
    familyId,
  ]);
}
