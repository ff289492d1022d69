import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Reader, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import { fence, type Lease } from '../../common/database/leases.js';
import { appendEvent } from '../../common/database/outbox.js';
import type { Address } from '../../common/http/address.js';
import { ListPage, type ListQuery } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { DescribedThings, type Kind, type Pending, ProxyHeads, type Replacement } from '../../infrastructure/index.js';
import { Doorbell } from '../assignments/doorbell.js';
import { checkedEndpointOverride } from '../dto/endpoint-override.dto.js';
import { xdsProblems } from '../xds.errors.js';
import type { OverrideEvent } from '../xds.events.js';
import { EndpointOverride, type EndpointOverrideDocument } from './endpoint-override.entity.js';
import {
  ENDPOINT_OVERRIDE_LIST,
  type EndpointOverrideFilter,
  type EndpointOverrideView,
  findEndpointOverrideView,
  listEndpointOverrideViews,
} from './endpoint-override-views.js';

interface ExpiredRow extends Omit<EndpointOverrideDocument, 'weight' | 'reason'> {
  readonly id: string;
  readonly tenantId: string;
  readonly weight: string | null;
}

const NAME_KEY = 'endpoint_overrides_name_key';
const ENDPOINT_KEY = 'endpoint_overrides_endpoint_key';
/** Expired ones that are removed in one transaction. */
const BATCH = 500;

/**
 * The endpoint overrides of a tenant. Whatever changes one changes the heads of the tenant's proxies in the same transaction, so that
 * each is given its endpoints anew without a new configuration.
 */
@Injectable()
export class EndpointOverrides extends DescribedThings<
  EndpointOverride,
  EndpointOverrideDocument,
  EndpointOverrideDocument,
  EndpointOverrideView
> {
  protected override readonly kind: Kind<EndpointOverride, EndpointOverrideDocument> = {
    entity: EndpointOverride,
    nameField: 'name',
    nameKey: NAME_KEY,
    make: (identity, document) => new EndpointOverride(identity, document),
  };

  constructor(
    database: Database,
    private readonly heads: ProxyHeads,
    private readonly doorbell: Doorbell,
  ) {
    super(database);
  }

  list(ctx: RequestContext, filter: EndpointOverrideFilter, query: ListQuery): Promise<Page<EndpointOverrideView>> {
    const page = new ListPage(ENDPOINT_OVERRIDE_LIST, { tenantId: ctx.tenantId, query, filters: filter });
    return listEndpointOverrideViews(this.database.reader(ctx), filter, page);
  }

  /** Removes those of all tenants that have expired, which have no effect any more. @returns whether there may be more @throws LeaseLost */
  async removeExpired(lease: Lease): Promise<boolean> {
    return this.database.system(async (tx) => {
      await fence(tx, lease);
      const expired = await tx.query<ExpiredRow>(
        `delete from endpoint_overrides where (tenant_id, id) in (
           select tenant_id, id from endpoint_overrides where expires_at <= now() order by expires_at limit $1)
           -- Said again, for one that is prolonged at this moment.
           and expires_at <= now()
         returning tenant_id as "tenantId", id, name, cluster_name as "clusterName", address, port, health_status as "healthStatus",
                   weight, expires_at as "expiresAt"`,
        [BATCH],
      );
      for (const row of expired) {
        await tell(tx, 'expired', { ...row, weight: row.weight === null ? null : Number(row.weight) });
      }
      for (const tenantId of [...new Set(expired.map((row) => row.tenantId))].sort()) {
        await this.changeHeads(tx, tenantId);
      }
      return expired.length === BATCH;
    });
  }

  protected override notFound(address: Address): Error {
    const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
    return xdsProblems.endpointOverrideNotFound({
      detail: `There is no endpoint override ${called} in this tenant; it may have expired.`,
    });
  }

  protected override find(reader: Reader, address: Address): Promise<EndpointOverrideView | undefined> {
    return findEndpointOverrideView(reader, address);
  }

  protected override resolve(
    _tx: Transaction,
    pending: readonly Pending<EndpointOverride, EndpointOverrideDocument>[],
  ): Promise<EndpointOverrideDocument[]> {
    return Promise.resolve(pending.map(({ request }) => request));
  }

  protected override requestOf({ expiresAt, ...rest }: EndpointOverrideDocument): object {
    return { ...rest, expiresAt: expiresAt && expiresAt.toISOString() };
  }

  protected override checked(candidate: unknown): Promise<EndpointOverrideDocument> {
    return checkedEndpointOverride(candidate);
  }

  protected override explain(error: unknown): unknown {
    if (isUniqueViolation(error, NAME_KEY)) {
      return xdsProblems.endpointOverrideNameTaken({
        detail: 'Choose another name, or PUT the override of that name.',
      });
    }
    if (!isUniqueViolation(error, ENDPOINT_KEY)) return error;
    return xdsProblems.endpointOverridden({
      detail: 'An endpoint has one override at a time; change that one or delete it (GET ?clusterName=… finds it).',
    });
  }

  protected override async afterCreating(
    tx: Transaction,
    ctx: RequestContext,
    created: readonly Replacement<EndpointOverride, EndpointOverrideDocument>[],
  ): Promise<void> {
    for (const { entity } of created) await tell(tx, 'created', entity);
    await this.changeHeads(tx, ctx.tenantId);
  }

  protected override async beforeReplacing(
    tx: Transaction,
    ctx: RequestContext,
    replacements: readonly Replacement<EndpointOverride, EndpointOverrideDocument>[],
  ): Promise<void> {
    for (const { entity, document } of replacements) {
      await tell(tx, 'changed', { ...document, id: entity.id, tenantId: ctx.tenantId });
    }
    await this.changeHeads(tx, ctx.tenantId);
  }

  protected override async beforeRemoving(tx: Transaction, overrides: readonly EndpointOverride[]): Promise<void> {
    for (const override of overrides) await tell(tx, 'deleted', override);
    for (const tenantId of new Set(overrides.map((override) => override.tenantId))) {
      await this.changeHeads(tx, tenantId);
    }
  }

  private async changeHeads(tx: Transaction, tenantId: string): Promise<void> {
    await this.heads.bumpAll(tx, tenantId, 'overridesRev');
    tx.afterCommit(() => this.doorbell.ring());
  }
}

function tell(
  tx: Transaction,
  what: 'created' | 'changed' | 'deleted' | 'expired',
  {
    id,
    tenantId,
    name,
    clusterName,
    address,
    port,
    healthStatus,
    weight,
    expiresAt,
  }: Omit<EndpointOverrideDocument, 'reason'> & { readonly id: string; readonly tenantId: string },
): Promise<void> {
  const event: OverrideEvent = {
    type: `endpoint_override.${what}`,
    payload: { name, clusterName, address, port, healthStatus, weight, expiresAt },
  };
  return appendEvent(tx, { tenantId, subjectId: id, ...event });
}
