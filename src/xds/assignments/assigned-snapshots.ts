import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { infrastructureProblems, ProxyDirectory } from '../../infrastructure/index.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { SnapshotCache } from '../snapshots/snapshot-cache.js';
import { Assignments } from './assignments.service.js';

/** What proxies are to serve now, to look into. */
@Injectable()
export class AssignedSnapshots {
  constructor(
    private readonly database: Database,
    private readonly directory: ProxyDirectory,
    private readonly assignments: Assignments,
    private readonly snapshots: SnapshotCache,
  ) {}

  /** @returns undefined where the proxy is assigned nothing. @throws ProblemError 404 */
  async of(ctx: RequestContext, address: Address): Promise<CompiledSnapshot | undefined> {
    const assignment = await this.database.tenant(ctx, async (tx) => {
      const [proxy] = (await this.directory.resolve(tx, ctx, [address])).proxies;
      if (!proxy) throw infrastructureProblems.proxyNotFound();
      return (await this.assignments.current(tx, ctx.tenantId, [proxy.id])).get(proxy.id);
    });
    return assignment && this.snapshots.get(ctx.tenantId, assignment.snapshotHash);
  }
}
