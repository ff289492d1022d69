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
  readonly hash: string;
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
const CACHE_MS = 1000;
const CACHE_SIZE = 10_000;

const USER_COLUMNS = `t.id as tenant_id, t.name as tenant_name, u.id as user_id, u.email, u.platform_admin, u.role, u.permissions`;

/**
 * Finds out who a bearer credential stands for. Principals are kept for a second, so that most requests cost no
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
    if (isApiKey(credential)) return this.byApiKey(credential);
    const claims = await this.accessTokens.verify(credential);
    return claims && this.cached(userKey(claims.userId), () => this.loadUser(claims));
  }

  /**
   * The same for credentials that are in use for long, from the database and not from what is remembered, so that what any replica changed
   * is seen: two queries for any number of them.
   * @returns who is behind each that is still valid
   */
  async recheck(credentials: readonly string[]): Promise<ReadonlyMap<string, Principal>> {
    const keys = credentials.filter(isApiKey).map((credential) => ({ credential, hash: lookupHash(credential) }));
    const tokens = await Promise.all(
      credentials
        .filter((credential) => !isApiKey(credential))
        .map(async (credential) => ({ credential, claims: await this.accessTokens.verify(credential) })),
    );
    const known = tokens.flatMap(({ credential, claims }) => (claims ? [{ credential, claims }] : []));
    const users = await this.loadUsers(known.map(({ claims }) => claims));
    const holders = await this.loadApiKeys(keys.map(({ hash }) => hash));
    const found = new Map<string, Principal>();
    for (const { credential, claims } of known) {
      const principal = users.get(claims.userId);
      this.remember(userKey(claims.userId), principal);
      if (principal) found.set(credential, principal);
    }
    for (const { credential, hash } of keys) {
      const principal = holders.get(hash.toString('hex'));
      this.remember(apiKeyKey(hash), principal);
      if (principal && this.isInUse(principal)) found.set(credential, principal);
    }
    return found;
  }

  /** Those of the tenants that are open. */
  async openTenants(ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const rows = await this.database
      .systemReader()
      .query<{ id: string }>('select id from tenants where id = any ($1::uuid[]) and is_active', [[...ids]]);
    return new Set(rows.map(({ id }) => id));
  }

  /** To be called after a change to a tenant, user or key is committed; other replicas notice within a second. */
  forget(subjectId: string): void {
    for (const [key, { principal }] of this.cache) {
      const subjects = [principal.tenant.id, principal.user.id, principal.apiKey?.id];
      if (subjects.includes(subjectId)) this.cache.delete(key);
    }
  }

  private async byApiKey(credential: string): Promise<Principal | undefined> {
    const hash = lookupHash(credential);
    const principal = await this.cached(apiKeyKey(hash), () => this.loadApiKey(hash));
    return principal && this.isInUse(principal) ? principal : undefined;
  }

  /** Whether the key has not expired; if so, that it was used is noted. */
  private isInUse({ tenant, apiKey }: Principal): boolean {
    const expiresAt = apiKey?.expiresAt ?? null;
    if (!apiKey || (expiresAt !== null && expiresAt.getTime() <= this.clock.now())) return false;
    this.uses.used(tenant.id, apiKey.id);
    return true;
  }

  private async cached(key: string, load: () => Promise<Principal | undefined>): Promise<Principal | undefined> {
    const known = this.cache.get(key);
    if (known && known.until > this.clock.monotonic()) return known.principal;
    const principal = await load();
    this.remember(key, principal);
    return principal;
  }

  private remember(key: string, principal: Principal | undefined): void {
    this.cache.delete(key);
    if (principal) this.cache.set(key, { principal, until: this.clock.monotonic() + CACHE_MS });
    const oldest = this.cache.size > CACHE_SIZE ? this.cache.keys().next().value : undefined;
    if (oldest !== undefined) this.cache.delete(oldest);
  }

  private async loadUser(claims: AccessClaims): Promise<Principal | undefined> {
    return (await this.loadUsers([claims])).get(claims.userId);
  }

  private async loadApiKey(hash: Buffer): Promise<Principal | undefined> {
    return (await this.loadApiKeys([hash])).get(hash.toString('hex'));
  }

  /** By the id of the user. */
  private async loadUsers(claims: readonly AccessClaims[]): Promise<ReadonlyMap<string, Principal>> {
    if (claims.length === 0) return new Map();
    const rows = await this.database.systemReader().query<UserRow>(
      `select ${USER_COLUMNS} from users u join tenants t on t.id = u.tenant_id
        where (u.tenant_id, u.id) in (select * from unnest($1::uuid[], $2::uuid[])) and u.is_active and t.is_active`,
      [claims.map(({ tenantId }) => tenantId), claims.map(({ userId }) => userId)],
      'kept',
    );
    return new Map(
      rows.map((row) => [
        row.user_id,
        { kind: 'user', ...common(row), permissions: permissionsOf(row.role, row.permissions) },
      ]),
    );
  }

  /** By the hash of the key, hexadecimal. */
  private async loadApiKeys(hashes: readonly Buffer[]): Promise<ReadonlyMap<string, Principal>> {
    if (hashes.length === 0) return new Map();
    const rows = await this.database.systemReader().query<ApiKeyRow>(
      `select ${USER_COLUMNS}, encode(i.lookup_hash, 'hex') as hash, k.id as key_id, k.name as key_name,
                k.permissions as key_permissions, k.expires_at
           from credential_index i
           join api_keys k on (k.tenant_id, k.id) = (i.tenant_id, i.subject_id)
           join users u on (u.tenant_id, u.id) = (k.tenant_id, k.user_id)
           join tenants t on t.id = u.tenant_id
          where i.kind = 'api_key' and i.lookup_hash = any($1::bytea[]) and k.is_active and u.is_active and t.is_active`,
      [hashes],
      'kept',
    );
    return new Map(
      rows.map((row) => [
        row.hash,
        {
          kind: 'api_key',
          ...common(row),
          apiKey: { id: row.key_id, name: row.key_name, expiresAt: row.expires_at },
          permissions: narrowed(permissionsOf(row.role, row.permissions), row.key_permissions),
        },
      ]),
    );
  }
}

const isApiKey = (credential: string): boolean => credential.startsWith(`${API_KEY_PREFIX}_`);
const userKey = (userId: string): string => `user ${userId}`;
const apiKeyKey = (hash: Buffer): string => `key ${hash.toString('hex')}`;

function common(row: UserRow): Pick<Principal, 'tenant' | 'user' | 'role'> {
  return {
    tenant: { id: row.tenant_id, name: row.tenant_name },
    user: { id: row.user_id, email: row.email, platformAdmin: row.platform_admin },
    role: row.role,
  };
}
