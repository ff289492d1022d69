import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Reader, Transaction } from '../../common/database/database.js';
import { isForeignKeyViolation, isUniqueViolation } from '../../common/database/errors.js';
import type { Address } from '../../common/http/address.js';
import { ListPage, type ListQuery } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { removeFromCredentialIndex } from '../../tenancy/index.js';
import { checkedProxy } from '../dto/proxy.dto.js';
import { EnvoyProxy, type ProxyDocument, type ProxyRequest } from '../entities/envoy-proxy.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { DescribedThings, type Kind } from './described-things.js';
import { shareGroups } from './group-locks.js';
import { findProxyView, listProxyViews, PROXY_LIST, type ProxyFilter, type ProxyView } from './proxy-views.js';
import { CONTAINER, invalidAt, referTo, VM } from './references.js';

const NAME_KEY = 'envoy_proxies_name_key';
const NODE_ID_KEY = 'envoy_proxies_node_id_key';

/** The inventory of proxies of a tenant. Changed labels change who belongs to which group, in the same transaction. */
@Injectable()
export class Proxies extends DescribedThings<EnvoyProxy, ProxyDocument, ProxyRequest, ProxyView> {
  protected override readonly kind: Kind<EnvoyProxy, ProxyDocument> = {
    entity: EnvoyProxy,
    nameField: 'name',
    nameKey: NAME_KEY,
    make: (identity, document) => new EnvoyProxy(identity, document),
  };

  list(ctx: RequestContext, filter: ProxyFilter, query: ListQuery): Promise<Page<ProxyView>> {
    const page = new ListPage(PROXY_LIST, { tenantId: ctx.tenantId, query, filters: filter });
    return listProxyViews(this.database.reader(ctx), filter, page);
  }

  /** Makes a proxy inside the caller's transaction, which holds the groups already (`shareGroups`). */
  insertIn(tx: Transaction, ctx: RequestContext, request: ProxyRequest): Promise<ProxyView> {
    return this.insert(tx, ctx, request);
  }

  /** Runs work that makes proxies, and says what a refusal of the database means. */
  explaining<T>(request: { readonly nodeId: string }, work: () => Promise<T>): Promise<T> {
    return this.explained(request, work);
  }

  protected override notFound(address: Address): Error {
    return notFound(address);
  }

  protected override find(reader: Reader, address: Address): Promise<ProxyView | undefined> {
    return findProxyView(reader, address);
  }

  /** A container says which machine it is on; naming that machine too is no contradiction and not stored. */
  protected override async resolve(tx: Transaction, request: ProxyRequest): Promise<ProxyDocument> {
    const { vm, container, ...rest } = request;
    const containerId = await referTo(tx, CONTAINER, container, '/container');
    const vmId = await referTo(tx, VM, vm, '/vm');
    if (containerId === null || vmId === null) return { ...rest, containerId, vmId };
    const elsewhere = await tx.query('select from containers where id = $1 and vm_id <> $2', [containerId, vmId]);
    if (elsewhere.length === 0) return { ...rest, containerId, vmId: null };
    throw invalidAt('/vm', 'reference.vm', 'the container is on another virtual machine; name that one, or none');
  }

  protected override requestOf({ vmId, containerId, ...rest }: ProxyDocument): object {
    return { ...rest, vm: vmId, container: containerId };
  }

  protected override checked(candidate: unknown): Promise<ProxyRequest> {
    return checkedProxy(candidate);
  }

  protected override explain(error: unknown, request: object): unknown {
    if (isUniqueViolation(error, NAME_KEY)) {
      return infrastructureProblems.proxyNameTaken({ detail: 'Choose another name, or PUT the proxy of that name.' });
    }
    if (isUniqueViolation(error, NODE_ID_KEY)) {
      const nodeId = 'nodeId' in request ? ` "${String(request.nodeId)}"` : '';
      return infrastructureProblems.nodeIdTaken({
        detail: `The node id${nodeId} is another proxy's; each Envoy needs its own.`,
      });
    }
    if (!isForeignKeyViolation(error)) return error;
    return infrastructureProblems.proxyInUse({ detail: 'A deployment that is running has this proxy; end it first.' });
  }

  protected override beforeWriting(tx: Transaction, ctx: RequestContext): Promise<void> {
    return shareGroups(tx, ctx);
  }

  protected override async beforeReplacing(
    tx: Transaction,
    _ctx: RequestContext,
    { entity: proxy, document }: { readonly entity: EnvoyProxy; readonly document: ProxyDocument },
  ): Promise<void> {
    if (proxy.nodeId !== document.nodeId) await refuseLiveCredentials(tx, proxy);
  }

  protected override async beforeRemoving(tx: Transaction, proxy: EnvoyProxy): Promise<void> {
    const credentials = await tx.query<{ id: string }>(
      'delete from proxy_credentials where proxy_id = $1 returning id',
      [proxy.id],
    );
    await removeFromCredentialIndex(
      tx,
      credentials.map(({ id }) => id),
    );
  }
}

export function notFound(address: Address): Error {
  const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
  return infrastructureProblems.proxyNotFound({ detail: `There is no proxy ${called} in this tenant.` });
}

/** Whether anything proves itself as the proxy now, or may until it expires. */
export async function hasLiveCredential(tx: Transaction, proxyId: string): Promise<boolean> {
  const live = await tx.query(
    'select 1 from proxy_credentials where proxy_id = $1 and revoked_at is null and (expires_at is null or expires_at > now()) limit 1',
    [proxyId],
  );
  return live.length > 0;
}

/**
 * A running Envoy states the node id of its bootstrap, and a stream whose node id is not the credential's is ended. Changing it under valid
 * credentials would cut the Envoy off and look like an attack, so they are revoked first, knowingly.
 */
async function refuseLiveCredentials(tx: Transaction, proxy: EnvoyProxy): Promise<void> {
  if (!(await hasLiveCredential(tx, proxy.id))) return;
  throw infrastructureProblems.nodeIdInUse({
    detail: `Bootstraps in use state "${proxy.nodeId}". Revoke the credentials of "${proxy.name}" first, then issue new ones.`,
  });
}
