import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { ListPage } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { GroupMembers, infrastructureProblems, ProxyDirectory } from '../../infrastructure/index.js';
import type { TrafficQuery } from '../dto/traffic.dto.js';
import { TRAFFIC_LIST, type TrafficPoint, TrafficReader, type TrafficSelection } from './traffic-reader.js';
import { windowOf } from './traffic-window.js';

/** Answers what came of requests of proxies, of groups, and of whoever had a snapshot. */
@Injectable()
export class TrafficQueries {
  constructor(
    private readonly database: Database,
    private readonly directory: ProxyDirectory,
    private readonly members: GroupMembers,
    private readonly reader: TrafficReader,
  ) {}

  /** @throws ProblemError 404; 400, 422 for what cannot be asked so */
  async ofProxy(ctx: RequestContext, address: Address, query: TrafficQuery): Promise<Page<TrafficPoint>> {
    return this.database.tenant(ctx, async (tx) => {
      const [proxy] = (await this.directory.resolve(tx, ctx, [address])).proxies;
      if (!proxy) throw infrastructureProblems.proxyNotFound();
      return this.read(tx, ctx, { of: proxy.id, proxyIds: [proxy.id] }, query);
    });
  }

  /** Of the proxies that belong to the group and to those under it now. @throws ProblemError 404; 400, 422 */
  async ofGroup(ctx: RequestContext, address: Address, query: TrafficQuery): Promise<Page<TrafficPoint>> {
    return this.database.tenant(ctx, async (tx) => {
      const { proxies, findings } = await this.members.resolve(tx, ctx, [address]);
      if (findings.some(({ rule }) => rule === 'reference.proxy-group')) throw infrastructureProblems.groupNotFound();
      return this.read(tx, ctx, { of: address, proxyIds: proxies.map(({ id }) => id) }, query);
    });
  }

  /** Of all proxies, while they had the snapshot in full; in the caller's transaction. @throws ProblemError 400, 422 */
  async ofSnapshot(
    tx: Transaction,
    ctx: RequestContext,
    snapshot: string,
    query: TrafficQuery,
  ): Promise<Page<TrafficPoint>> {
    return this.read(tx, ctx, { of: snapshot, snapshot }, query);
  }

  private async read(
    tx: Transaction,
    { tenantId }: RequestContext,
    { of, ...whose }: { readonly of: unknown } & Pick<TrafficSelection, 'proxyIds' | 'snapshot'>,
    { limit, cursor, from, to, step, ...narrowed }: TrafficQuery,
  ): Promise<Page<TrafficPoint>> {
    const asked = { from, to, step };
    // Bound to what was asked, not to what that is now: time goes on between two pages.
    const page = new ListPage(TRAFFIC_LIST, {
      tenantId,
      query: { limit, cursor },
      filters: { of, ...asked, ...narrowed },
    });
    const [row] = await tx.query<{ minute: Date }>("select date_trunc('minute', now()) as minute");
    const window = windowOf(asked, row?.minute.getTime() ?? 0);
    return this.reader.read(tx, tenantId, { ...narrowed, ...whose, window }, page);
  }
}
