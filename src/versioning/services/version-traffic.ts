import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database } from '../../common/database/database.js';
import type { Address } from '../../common/http/address.js';
import { type TrafficPageDto, TrafficQueries, type VersionTrafficQuery } from '../../xds/index.js';
import { findConfiguration } from './configurations.service.js';
import { findVersion } from './versions.service.js';

/** What came of requests while proxies had a version. */
@Injectable()
export class VersionTraffic {
  constructor(
    private readonly database: Database,
    private readonly traffic: TrafficQueries,
  ) {}

  /** Of all proxies, each while it had the version in full. @throws ProblemError 404; 400, 422 */
  async read(
    ctx: RequestContext,
    address: Address,
    number: number,
    query: VersionTrafficQuery,
  ): Promise<TrafficPageDto> {
    return this.database.tenant(ctx, async (tx) => {
      const { snapshotHash } = await findVersion(tx, await findConfiguration(tx, address), number);
      return this.traffic.ofSnapshot(tx, ctx, snapshotHash, query);
    });
  }
}
