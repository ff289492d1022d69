import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { Database } from '../../common/database/database.js';
import { lookupHash } from '../credential-index.js';
import { narrowed, permissionsOf, type Role } from '../permissions.js';
import type { Principal } from '../principal.js';
import { AccessTokens, type AccessClaims } from './access-tokens.js';
import { ApiKeyUses } from './api-key-uses.js';

export const API_KEY_PREFIX = 'efms';

interface UserRow {
  readonly tenant_id: string;
  readonly tenant_name: string;
  readonly user_id: string;
  readonly email: string;
  readonly platform_admin: boolean;
  readonly role: Role;
  readonly permissions: Record<string, boolean>;
}

interface ApiKeyRow extends UserRow {
  readonly key_id: string;
  readonly key_name: string;
  readonly key_permissions: string[] | null;
  readonly expires_at: Date | null;
}

interface Cached {
  readonly principal: Principal;
  readonly until: number;
}

/** How long a change made by another replica may go unnoticed. */
const CACHE_MS = 10_000;
const CACHE_SIZE = 10_000;

const USER_COLUMNS = `t.id as tenant_id, t.name as tenant_name, u.id as user_id, u.email, u.platform_admin, u.role, u.permissions`;

/**
 * Finds out who a bearer credential stands for. Principals are kept for ten seconds, so that most requests cost no
 * query; a refusal is never kept, so that a key works as soon as it exists.
 */
@Injectable()
export class Principals {
  private readonly cache = new Map<string, Cached>();

  constructor(
    private readonly database: Database,
    private readonly accessTokens: AccessTokens,
    private readonly uses: ApiKeyUses,
    private readonly clock: Clock,
  ) {}

  /** The principal behind an access token or API key that is valid now; undefined for anything else. */
  async authenticate(credential: string): Promise<Principal | undefined> {
    if (credential.startsWith(`${API_KEY_PREFIX}_`)) return this.byApiKey(credential);
    const claims = await this.accessTokens.verify(credential);
    return claims && this.cached(`user ${claims.userId}`, () => this.loadUser(claims));
  }

  /** To be called after a change to a tenant, user or key is committed; other replicas notice within ten seconds. */
  forget(subjectId: string): void {
    for (const [key, { principal }] of this.cache) {
      const subjects = [principal.tenant.id, principal.user.id, principal.apiKey?.id];
      if (subjects.includes(subjectId)) this.cache.delete(key);
    }
  }

  private async byApiKey(credential: string): Promise<Principal | undefined> {
    const hash = lookupHash(credential);
    const principal = await this.cached(`key ${hash.toString('hex')}`, () => this.loadApiKey(hash));
    const expiresAt = principal?.apiKey?.expiresAt ?? null;
    if (!principal?.apiKey || (expiresAt !== null && expiresAt.getTime() <= this.clock.now())) return undefined;
    this.uses.used(principal.tenant.id, principal.apiKey.id);
    return principal;
  }

  private async cached(key: string, load: () => Promise<Principal | undefined>): Promise<Principal | undefined> {
    const now = this.clock.monotonic();
    const known = this.cache.get(key);
    if (known && known.until > now) return known.principal;
    const principal = await load();
    this.cache.delete(key);
    if (principal) this.cache.set(key, { principal, until: now + CACHE_MS });
    const oldest = this.cache.size > CACHE_SIZE ? this.cache.keys().next().value : undefined;
    if (oldest !== undefined) this.cache.delete(oldest);
    return principal;
  }

  private async loadUser({ tenantId, userId }: AccessClaims): Promise<Principal | undefined> {
    const rows = await this.database.tenant({ tenantId }, (tx) =>
      tx.query<UserRow>(
        `select ${USER_COLUMNS} from users u join tenants t on t.id = u.tenant_id
          where u.id = $1 and u.is_active and t.is_active`,
        [userId],
      ),
    );
    return (
      rows[0] && { kind: 'user', ...common(rows[0]), permissions: permissionsOf(rows[0].role, rows[0].permissions) }
    );
  }

  private async loadApiKey(hash: Buffer): Promise<Principal | undefined> {
    const rows = await this.database.system((tx) =>
      tx.query<ApiKeyRow>(
        `select ${USER_COLUMNS}, k.id as key_id, k.name as key_name, k.permissions as key_permissions, k.expires_at
           from credential_index i
           join api_keys k on (k.tenant_id, k.id) = (i.tenant_id, i.subject_id)
           join users u on (u.tenant_id, u.id) = (k.tenant_id, k.user_id)
           join tenants t on t.id = u.tenant_id
          where i.kind = 'api_key' and i.lookup_hash = $1 and k.is_active and u.is_active and t.is_active`,
        [hash],
      ),
    );
    const row = rows[0];
    return (
      row && {
        kind: 'api_key',
        ...common(row),
        apiKey: { id: row.key_id, name: row.key_name, expiresAt: row.expires_at },
        permissions: narrowed(permissionsOf(row.role, row.permissions), row.key_permissions),
      }
    );
  }
}

function common(row: UserRow): Pick<Principal, 'tenant' | 'user' | 'role'> {
  return {
    tenant: { id: row.tenant_id, name: row.tenant_name },
    user: { id: row.user_id, email: row.email, platformAdmin: row.platform_admin },
    role: row.role,
  };
}
