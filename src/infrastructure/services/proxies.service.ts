import { isDeepStrictEqual } from 'node:util';
import { LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isForeignKeyViolation, isUniqueViolation } from '../../common/database/errors.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { requireMatch } from '../../common/http/etag.js';
import { decodeCursor, type Page, pageOf } from '../../common/http/page.js';
import { removeFromCredentialIndex } from '../../tenancy/index.js';
import { checkedDocument } from '../dto/proxy.dto.js';
import { EnvoyProxy, type ProxyDocument } from '../entities/envoy-proxy.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { mergePatch } from '../merge-patch.js';
import { findProxyView, listProxyViews, type ProxyFilter, type ProxyView } from './proxy-views.js';

export interface WrittenProxy {
  readonly proxy: ProxyView;
  readonly created: boolean;
}

type DocumentWithoutName = Omit<ProxyDocument, 'name'>;

/** The inventory of proxies of a tenant. */
@Injectable()
export class Proxies {
  constructor(private readonly database: Database) {}

  /** @throws ProblemError 409 where the name or the node id is another proxy's */
  create(ctx: RequestContext, document: ProxyDocument): Promise<ProxyView> {
    return explainConflicts(document, () => this.database.tenant(ctx, (tx) => insert(tx, ctx, document)));
  }

  /**
   * Creates the proxy or makes it what is given. Equal content changes nothing and needs no `If-Match`; a change needs it (428, 412).
   * A name can be created; an id cannot (404). Two that create one name at once both succeed as if one came after the other.
   */
  async put(
    ctx: RequestContext,
    address: Address,
    content: DocumentWithoutName,
    ifMatch: string | undefined,
  ): Promise<WrittenProxy> {
    const attempt = (): Promise<WrittenProxy> =>
      this.database.tenant(ctx, async (tx) => {
        const proxy = await lockProxy(tx, address);
        if (proxy)
          return { created: false, proxy: await replace(tx, proxy, { ...content, name: proxy.name }, ifMatch) };
        if (!('name' in address)) throw notFound(address);
        refuseVanished(ifMatch);
        return { created: true, proxy: await insert(tx, ctx, { ...content, name: address.name }) };
      });
    return explainConflicts(content, async () => {
      try {
        return await attempt();
      } catch (error) {
        if (!isUniqueViolation(error, NAME_KEY)) throw error;
        return attempt();
      }
    });
  }

  /** Applies a merge patch (RFC 7396); the result must be a valid description. @throws ProblemError 404, 409, 412, 422, 428 */
  async patch(ctx: RequestContext, address: Address, patch: object, ifMatch: string | undefined): Promise<ProxyView> {
    return explainConflicts(patch, () =>
      this.database.tenant(ctx, async (tx) => {
        const proxy = await lockProxy(tx, address);
        if (!proxy) throw notFound(address);
        requireMatch(ifMatch, proxy.revision);
        const document = await checkedDocument(mergePatch(writable(proxy.toDocument()), patch));
        return replace(tx, proxy, document, '*');
      }),
    );
  }

  /** @throws ProblemError 404, also for a proxy of another tenant */
  async get(ctx: RequestContext, address: Address): Promise<ProxyView> {
    const proxy = await this.database.tenant(ctx, (tx) => findProxyView(tx, address));
    if (!proxy) throw notFound(address);
    return proxy;
  }

  async list(
    ctx: RequestContext,
    filter: ProxyFilter,
    query: { limit: number; cursor?: string },
  ): Promise<Page<ProxyView>> {
    const after = decodeCursor(query.cursor);
    const rows = await this.database.tenant(ctx, (tx) => listProxyViews(tx, filter, { after, limit: query.limit + 1 }));
    return pageOf(rows, query.limit, ({ name, id }) => ({ name, id }));
  }

  /** Deletes the proxy with its credentials, status and head. @throws ProblemError 404, 409 while something needs it, 412, 428 */
  async remove(ctx: RequestContext, address: Address, ifMatch: string | undefined): Promise<void> {
    try {
      await this.database.tenant(ctx, async (tx) => {
        const proxy = await lockProxy(tx, address);
        if (!proxy) throw notFound(address);
        requireMatch(ifMatch, proxy.revision);
        const credentials = await tx.query<{ id: string }>(
          'delete from proxy_credentials where proxy_id = $1 returning id',
          [proxy.id],
        );
        await removeFromCredentialIndex(
          tx,
          credentials.map(({ id }) => id),
        );
        await tx.em.remove(proxy).flush();
      });
    } catch (error) {
      if (!isForeignKeyViolation(error)) throw error;
      throw infrastructureProblems.proxyInUse({ detail: 'A deployment that is running has this proxy; end it first.' });
    }
  }
}

const NAME_KEY = 'envoy_proxies_name_key';
const NODE_ID_KEY = 'envoy_proxies_node_id_key';

export function notFound(address: Address): Error {
  const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
  return infrastructureProblems.proxyNotFound({ detail: `There is no proxy ${called} in this tenant.` });
}

function lockProxy(tx: Transaction, address: Address): Promise<EnvoyProxy | null> {
  return tx.em.findOne(EnvoyProxy, { ...address }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

async function insert(tx: Transaction, ctx: RequestContext, document: ProxyDocument): Promise<ProxyView> {
  const proxy = new EnvoyProxy({ id: newId(), tenantId: ctx.tenantId }, document);
  await tx.em.persist(proxy).flush();
  return viewOf(tx, proxy);
}

async function replace(
  tx: Transaction,
  proxy: EnvoyProxy,
  document: ProxyDocument,
  ifMatch: string | undefined,
): Promise<ProxyView> {
  if (!isDeepStrictEqual(proxy.toDocument(), document)) {
    requireMatch(ifMatch, proxy.revision);
    if (proxy.nodeId !== document.nodeId) await refuseLiveCredentials(tx, proxy);
    proxy.replace(document);
    await tx.em.flush();
  }
  return viewOf(tx, proxy);
}

/**
 * A running Envoy states the node id of its bootstrap, and a stream whose node id is not the credential's is ended. Changing it under valid
 * credentials would cut the Envoy off and look like an attack, so they are revoked first, knowingly.
 */
async function refuseLiveCredentials(tx: Transaction, proxy: EnvoyProxy): Promise<void> {
  const live = await tx.query(
    'select 1 from proxy_credentials where proxy_id = $1 and revoked_at is null and (expires_at is null or expires_at > now()) limit 1',
    [proxy.id],
  );
  if (live.length === 0) return;
  throw infrastructureProblems.nodeIdInUse({
    detail: `Bootstraps in use state "${proxy.nodeId}". Revoke the credentials of "${proxy.name}" first, then issue new ones.`,
  });
}

async function viewOf(tx: Transaction, { id }: EnvoyProxy): Promise<ProxyView> {
  const view = await findProxyView(tx, { id });
  if (!view) throw new Error(`proxy ${id} has no status row`);
  return view;
}

/** An ETag names a proxy that was read, and there is none now; `*` takes whatever is there, be it nothing (API.md "Writes"). */
function refuseVanished(ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  throw problems.preconditionFailed({ detail: 'The proxy is gone; leave out If-Match to create it.' });
}

/** The fields that may be written, absent where they are unset, as the rules for descriptions want them. */
function writable(document: ProxyDocument): object {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null));
}

async function explainConflicts<T>(document: object, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isUniqueViolation(error, NAME_KEY)) {
      throw infrastructureProblems.proxyNameTaken({ detail: 'Choose another name, or PUT the proxy of that name.' });
    }
    if (!isUniqueViolation(error, NODE_ID_KEY)) throw error;
    const nodeId = 'nodeId' in document ? ` "${String(document.nodeId)}"` : '';
    throw infrastructureProblems.nodeIdTaken({
      detail: `The node id${nodeId} is another proxy's; each Envoy needs its own.`,
    });
  }
}
