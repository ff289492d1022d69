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
import { DescribedThings, type Kind, type Pending, type Replacement } from './described-things.js';
import { shareGroups } from './group-locks.js';
import { findProxyView, listProxyViews, PROXY_LIST, type ProxyFilter, type ProxyView } from './proxy-views.js';
import { CONTAINER, invalidAt, referToAll, VM } from './references.js';

const NAME_KEY = 'envoy_proxies_name_key';
const NODE_ID_KEY = 'envoy_proxies_node_id_key';

type ProxyPending = Pending<EnvoyProxy, ProxyRequest>;

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
  protected override async resolve(tx: Transaction, pending: readonly ProxyPending[]): Promise<ProxyDocument[]> {
    const requests = pending.map(({ request }) => request);
    const containers = requests.map(({ container }) => container);
    const containerOf = await referToAll(tx, CONTAINER, containers, '/container');
    const machines = requests.map(({ vm }) => vm);
    const vmOf = await referToAll(tx, VM, machines, '/vm');
    const documents = requests.map(({ vm, container, ...rest }) => ({
      ...rest,
      containerId: containerOf(container),
      vmId: vmOf(vm),
    }));
    await refuseElsewhere(tx, documents);
    return documents.map((document) => (document.containerId === null ? document : { ...document, vmId: null }));
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
    replacements: readonly Replacement<EnvoyProxy, ProxyDocument>[],
  ): Promise<void> {
    const renamed = replacements.filter(({ entity, document }) => entity.nodeId !== document.nodeId);
    await refuseLiveCredentials(
      tx,
      renamed.map(({ entity }) => entity),
    );
  }

  protected override async beforeRemoving(tx: Transaction, proxies: readonly EnvoyProxy[]): Promise<void> {
    const credentials = await tx.query<{ id: string }>(
      'delete from proxy_credentials where proxy_id = any($1::uuid[]) returning id',
      [proxies.map(({ id }) => id)],
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

/** A container and a machine that it is not on contradict each other. */
async function refuseElsewhere(tx: Transaction, documents: readonly ProxyDocument[]): Promise<void> {
  const both = documents.filter(({ containerId, vmId }) => containerId !== null && vmId !== null);
  if (both.length === 0) return;
  const elsewhere = await tx.query(
    `select from unnest($1::uuid[], $2::uuid[]) as said (container_id, vm_id)
       join containers c on c.id = said.container_id where c.vm_id <> said.vm_id limit 1`,
    [both.map(({ containerId }) => containerId), both.map(({ vmId }) => vmId)],
  );
  if (elsewhere.length === 0) return;
  throw invalidAt('/vm', 'reference.vm', 'the container is on another virtual machine; name that one, or none');
}

/** One of these proxies, if there is any, that something proves itself as now, or may until it expires. */
export async function withLiveCredential(tx: Transaction, proxyIds: readonly string[]): Promise<string | undefined> {
  const [live] = await tx.query<{ proxy_id: string }>(
    `select proxy_id from proxy_credentials
      where proxy_id = any($1::uuid[]) and revoked_at is null and (expires_at is null or expires_at > now()) limit 1`,
    [proxyIds],
  );
  return live?.proxy_id;
}

/**
 * A running Envoy states the node id of its bootstrap, and a stream whose node id is not the credential's is ended. Changing it under valid
 * credentials would cut the Envoy off and look like an attack, so they are revoked first, knowingly.
 */
async function refuseLiveCredentials(tx: Transaction, proxies: readonly EnvoyProxy[]): Promise<void> {
  if (proxies.length === 0) return;
  const live = await withLiveCredential(
    tx,
    proxies.map(({ id }) => id),
  );
  const proxy = proxies.find(({ id }) => id === live);
  if (!proxy) return;
  throw infrastructureProblems.nodeIdInUse({
    detail: `Bootstraps in use state "${proxy.nodeId}". Revoke the credentials of "${proxy.name}" first, then issue new ones.`,
  });
}
