import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { newToken } from '../../common/crypto/tokens.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { addToCredentialIndex, lookupHash, removeFromCredentialIndex } from '../credential-index.js';
import { ApiKey } from '../entities/api-key.entity.js';
import { allows, type PermissionSet } from '../permissions.js';
import type { Principal } from '../principal.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { API_KEY_PREFIX, Principals } from './principals.service.js';

export interface ApiKeyRequest {
  readonly name: string;
  /** Absent: all that the maker may. */
  readonly permissions?: readonly string[];
  readonly expiresAt?: Date;
}

export interface IssuedApiKey {
  readonly apiKey: ApiKey;
  /** The key itself; only its hash is kept. */
  readonly key: string;
}

export interface UsedApiKey {
  readonly apiKey: ApiKey;
  /** As replicas saw it, some seconds late; null for never. */
  readonly lastUsedAt: Date | null;
}

interface UseRow {
  readonly last_used_at: Date | null;
}

const SELECT_KEYS = 'select k.*, s.last_used_at';
const FROM_KEYS = 'from api_keys k left join api_key_status s on (s.tenant_id, s.api_key_id) = (k.tenant_id, k.id)';

export interface ApiKeyFilters {
  readonly userId?: string;
}

const API_KEYS: ListDefinition = {
  name: 'api-keys',
  keys: {
    name: { column: 'k.name', type: 'text', unique: true },
    createdAt: { column: 'k.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 'k.id', type: 'uuid' },
};
const PREFIX_LENGTH = API_KEY_PREFIX.length + 7;

/** Credentials for programs, each acting as the person who made it. */
@Injectable()
export class ApiKeys {
  constructor(
    private readonly database: Database,
    private readonly principals: Principals,
    private readonly clock: Clock,
  ) {}

  /** @throws ProblemError 403 for more than the maker has, 409 for a name in use, 422 for a time that is past */
  async issue(ctx: RequestContext, principal: Principal, request: ApiKeyRequest): Promise<IssuedApiKey> {
    if (principal.visitingFrom) {
      throw tenancyProblems.visiting({ detail: 'An API key acts as its maker, who has to belong to the tenant.' });
    }
    const key = newToken(API_KEY_PREFIX);
    const apiKey = new ApiKey({
      id: newId(),
      tenantId: ctx.tenantId,
      userId: principal.user.id,
      name: request.name,
      keyPrefix: key.slice(0, PREFIX_LENGTH),
      keyHash: lookupHash(key),
      permissions: grantable(principal.permissions, request.permissions),
      expiresAt: this.expiry(principal, request.expiresAt),
      createdAt: new Date(this.clock.now()),
    });
    try {
      await this.database.tenant(ctx, async (tx) => {
        await tx.em.persist(apiKey).flush();
        const { tenantId, id: subjectId, keyHash: hash } = apiKey;
        await addToCredentialIndex(tx, { kind: 'api_key', hash, tenantId, subjectId });
      });
    } catch (error) {
      if (!isUniqueViolation(error, 'api_keys_name_key')) throw error;
      throw tenancyProblems.apiKeyNameTaken({ detail: `Revoke "${request.name}" first, or choose another name.` });
    }
    return { apiKey, key };
  }

  /** The active keys of the tenant. @throws ProblemError 400, 422 for what cannot be listed so */
  async list(ctx: RequestContext, query: ListQuery, filters: ApiKeyFilters = {}): Promise<Page<UsedApiKey>> {
    const list = new ListPage(API_KEYS, { tenantId: ctx.tenantId, query, filters });
    return this.database.tenant(ctx, async (tx) => {
      const conditions = new Conditions();
      conditions.add('k.is_active');
      conditions.equal('k.user_id', filters.userId);
      list.addTo(conditions);
      const rows = await tx.query<Placed & UseRow>(
        `${SELECT_KEYS}, ${list.placeColumn} ${FROM_KEYS} where ${conditions.sql} ${list.order}`,
        conditions.params,
      );
      return list.page(rows, (row) => usedApiKey(tx, row));
    });
  }

  /** @throws ProblemError 404, also for a key that was revoked */
  get(ctx: RequestContext, address: Address): Promise<UsedApiKey> {
    return this.database.tenant(ctx, async (tx) => {
      const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
      const [row] = await tx.query<UseRow>(`${SELECT_KEYS} ${FROM_KEYS} where k.is_active and k.${column} = $1`, [
        value,
      ]);
      if (!row) throw noSuchKey();
      return usedApiKey(tx, row);
    });
  }

  /** Ends a key for good. @throws ProblemError 404 */
  async revoke(ctx: RequestContext, address: Address): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const apiKey = await findActive(tx, address);
      apiKey.revoke();
      await tx.em.flush();
      await removeFromCredentialIndex(tx, [apiKey.id]);
      tx.afterCommit(() => this.principals.forget(apiKey.id));
    });
  }

  /** A key made with a key ends with it at the latest. */
  private expiry(principal: Principal, wanted: Date | undefined): Date | null {
    if (wanted && wanted.getTime() <= this.clock.now()) {
      const detail = 'expiresAt must lie in the future';
      throw problems.invalid({
        detail,
        errors: [{ pointer: '/expiresAt', rule: 'request.future', detail, severity: 'error' }],
      });
    }
    const limit = principal.apiKey?.expiresAt ?? null;
    if (limit !== null && (!wanted || wanted > limit)) return limit;
    return wanted ?? null;
  }
}

const noSuchKey = (): Error => problems.notFound({ detail: 'There is no such active API key.' });

const usedApiKey = (tx: Transaction, row: UseRow): UsedApiKey => ({
  apiKey: tx.em.map(ApiKey, row),
  lastUsedAt: row.last_used_at,
});

async function findActive(tx: Transaction, address: Address): Promise<ApiKey> {
  const apiKey = await tx.em.findOne(ApiKey, { ...address, isActive: true });
  if (!apiKey) throw noSuchKey();
  return apiKey;
}

function grantable(maker: PermissionSet, wanted: readonly string[] | undefined): readonly string[] | null {
  if (!wanted) return maker.within ?? null;
  const excess = wanted.filter((entry) => !allows(maker, entry));
  if (excess.length === 0) return [...new Set(wanted)];
  throw tenancyProblems.widerThanCaller({ detail: `You do not have ${excess.join(', ')} yourself.` });
}
