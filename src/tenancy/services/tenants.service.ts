import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Keys } from '../../common/crypto/keys.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import type { Address } from '../../common/http/address.js';
import { type Preconditions, refusePresent, refuseVanished, requireMatch } from '../../common/http/etag.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import { mergePatch } from '../../common/http/merge-patch.js';
import type { Page } from '../../common/http/page.js';
import { checkedTenant } from '../dto/tenant.dto.js';
import { tenancyProblems } from '../tenancy.errors.js';
import { type Invitation, Invitations } from './invitations.js';
import { Principals } from './principals.service.js';
import {
  insertTenant,
  type MadeTenant,
  type NewTenant,
  type Tenant,
  type TenantContent,
  type TenantState,
} from './tenant-rows.js';
import { insertUser, type NewUser, refuseTaken } from './user-rows.js';

const TENANTS: ListDefinition = {
  name: 'tenants',
  keys: {
    name: { column: 't.name', type: 'text', unique: true },
    createdAt: { column: 't.created_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 't.id', type: 'uuid' },
};

const NAME_KEY = 'tenants_name_key';

const SELECT = `
  select t.id, t.name, t.description, t.metadata, case when t.is_active then 'open' else 'closed' end as state,
         t.revision::int as revision, t.created_at as "createdAt", t.updated_at as "updatedAt", t.closed_at as "closedAt"`;

/**
 * The tenants of an installation, for platform admins. What is written to a tenant that exists is written in that tenant, so that its own
 * audit log tells of it.
 */
@Injectable()
export class Tenants {
  constructor(
    private readonly database: Database,
    private readonly keys: Keys,
    private readonly invitations: Invitations,
    private readonly principals: Principals,
  ) {}

  /**
   * Makes a tenant, and its first admin if one is named, all of it or nothing. Without one, a platform admin invites people through
   * `X-EFMS-Tenant`.
   * @throws ProblemError 409 for a name or an e-mail that is taken
   */
  async create(ctx: RequestContext, tenant: NewTenant, admin: NewUser | undefined): Promise<MadeTenant> {
    try {
      return await this.database.system(async (tx) => {
        const id = await insertTenant(tx, this.keys.masterKey, tenant);
        const invitation = admin ? await this.inviteAdmin(tx, id, admin) : null;
        return { tenant: await find(tx, { id }), invitation };
      }, ctx);
    } catch (error) {
      throw taken(error);
    }
  }

  /**
   * Makes a tenant of this name, or makes it what is given. Equal content changes nothing and needs no `If-Match`; a change needs it. Two
   * that make one name at once both succeed as if one came after the other.
   * @throws ProblemError 404 for an id that no tenant has; 412, 428; 422 for a name that no tenant may have
   */
  async put(
    ctx: RequestContext,
    address: Address,
    content: TenantContent,
    preconditions: Preconditions,
  ): Promise<{ readonly tenant: Tenant; readonly created: boolean }> {
    const replaced = await this.replace(ctx, address, content, preconditions);
    if (replaced) return { tenant: replaced, created: false };
    if (!('name' in address)) throw tenancyProblems.tenantNotFound();
    refuseVanished(preconditions.ifMatch);
    const asked = await checkedTenant({ name: address.name, ...content });
    try {
      const tenant = await this.database.system(async (tx) => {
        const id = await insertTenant(tx, this.keys.masterKey, asked);
        return find(tx, { id });
      }, ctx);
      return { tenant, created: true };
    } catch (error) {
      const isThere = isUniqueViolation(error, NAME_KEY);
      const made = isThere ? await this.replace(ctx, address, content, preconditions) : undefined;
      if (!made) throw error;
      return { tenant: made, created: false };
    }
  }

  /** @throws ProblemError 400, 422 for what cannot be listed so */
  list(ctx: RequestContext, query: ListQuery, filters: { readonly state?: TenantState }): Promise<Page<Tenant>> {
    const list = new ListPage(TENANTS, { tenantId: ctx.tenantId, query, filters });
    return this.database.system(async (tx) => {
      const conditions = new Conditions();
      if (filters.state !== undefined) conditions.equal('t.is_active', filters.state === 'open');
      list.addTo(conditions);
      const rows = await tx.query<Tenant & Placed>(
        `${SELECT}, ${list.placeColumn} from tenants t where ${conditions.sql} ${list.order}`,
        conditions.params,
      );
      return list.page(rows, ({ place: _, ...tenant }) => tenant);
    });
  }

  /** @throws ProblemError 404 */
  get(address: Address): Promise<Tenant> {
    return this.database.system((tx) => find(tx, address));
  }

  /** Applies a merge patch (RFC 7396). @throws ProblemError 404, 409, 412, 422, 428 */
  async patch(ctx: RequestContext, address: Address, patch: object, ifMatch: string | undefined): Promise<Tenant> {
    try {
      return await this.within(ctx, address, async (tx, tenant) => {
        requireMatch(ifMatch, tenant.revision);
        const { name, description, metadata } = tenant;
        const next = await checkedTenant(mergePatch({ name, description, metadata }, patch));
        await tx.query('update tenants set name = $2, description = $3, metadata = $4 where id = $1', [
          tenant.id,
          next.name,
          next.description,
          next.metadata,
        ]);
      });
    } catch (error) {
      throw taken(error);
    }
  }

  /**
   * Closes a tenant: logins, sessions, API keys and the streams of its proxies end, its Envoys keep what they have, and all its data stays.
   * @throws ProblemError 404; 409 for one that is closed, and for one's own
   */
  close(ctx: RequestContext, address: Address): Promise<Tenant> {
    return this.within(ctx, address, async (tx, tenant) => {
      if (tenant.state === 'closed') throw tenancyProblems.tenantState({ detail: `"${tenant.name}" is closed.` });
      if (tenant.id === ctx.tenantId) throw tenancyProblems.ownTenant({ detail: 'You would lock yourself out.' });
      await tx.query('update tenants set is_active = false, closed_at = now() where id = $1', [tenant.id]);
      await tx.query('update refresh_tokens set revoked_at = now() where revoked_at is null');
      tx.afterCommit(() => this.principals.forget(tenant.id));
    });
  }

  /** Opens a closed tenant again; people log in anew. @throws ProblemError 404; 409 for one that is open */
  reopen(ctx: RequestContext, address: Address): Promise<Tenant> {
    return this.within(ctx, address, async (tx, tenant) => {
      if (tenant.state === 'open') throw tenancyProblems.tenantState({ detail: `"${tenant.name}" is open.` });
      await tx.query('update tenants set is_active = true, closed_at = null where id = $1', [tenant.id]);
    });
  }

  /** Undefined where there is no such tenant. */
  private async replace(
    ctx: RequestContext,
    address: Address,
    content: TenantContent,
    preconditions: Preconditions,
  ): Promise<Tenant | undefined> {
    const found = await this.database.system((tx) => seek(tx, address));
    if (!found) return undefined;
    return this.within(ctx, { id: found.id }, async (tx, { id, revision, description, metadata }) => {
      refusePresent(preconditions, revision);
      if (isDeepStrictEqual({ description, metadata }, content)) return;
      requireMatch(preconditions.ifMatch, revision);
      await tx.query('update tenants set description = $2, metadata = $3 where id = $1', [
        id,
        content.description,
        content.metadata,
      ]);
    });
  }

  private async inviteAdmin(tx: Transaction, tenantId: string, admin: NewUser): Promise<Invitation> {
    const id = await insertUser(tx, tenantId, admin);
    return this.invitations.add(tx, { tenantId, id });
  }

  private async within(
    ctx: RequestContext,
    address: Address,
    work: (tx: Transaction, tenant: Tenant) => Promise<void>,
  ): Promise<Tenant> {
    const { id } = await this.get(address);
    return this.database.tenant({ ...ctx, tenantId: id }, async (tx) => {
      await tx.query('select 1 from tenants where id = $1 for update', [id]);
      await work(tx, await find(tx, { id }));
      return find(tx, { id });
    });
  }
}

async function seek(tx: Transaction, address: Address): Promise<Tenant | undefined> {
  const [column, value] = 'id' in address ? ['id', address.id] : ['name', address.name];
  const [tenant] = await tx.query<Tenant>(`${SELECT} from tenants t where t.${column} = $1`, [value]);
  return tenant;
}

async function find(tx: Transaction, address: Address): Promise<Tenant> {
  const tenant = await seek(tx, address);
  if (!tenant) throw tenancyProblems.tenantNotFound();
  return tenant;
}

function taken(error: unknown): unknown {
  if (isUniqueViolation(error, NAME_KEY)) {
    return tenancyProblems.tenantNameTaken({ detail: 'Names of closed tenants stay taken; choose another.' });
  }
  return refuseTaken(error);
}
