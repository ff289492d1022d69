import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Transaction } from '../../common/database/database.js';
import type { Finding } from '../../common/errors/finding.js';
import type { Address } from '../../common/http/address.js';
import { GroupMembers, ProxyDirectory, type ProxyRef } from '../../infrastructure/index.js';
import { error } from './deployment-request.js';

export interface ResolvedTargets {
  /** Each proxy once: those that are named, then those of the groups. */
  readonly proxies: readonly ProxyRef[];
  /** One per address that leads nowhere, with its place in the request. */
  readonly findings: readonly Finding[];
}

/** Finds the proxies that a deployment is asked to move. Groups count as they are now; who joins later is not moved. */
@Injectable()
export class DeploymentTargets {
  constructor(
    private readonly directory: ProxyDirectory,
    private readonly groups: GroupMembers,
  ) {}

  async resolve(
    tx: Transaction,
    ctx: RequestContext,
    wanted: { readonly proxies: readonly Address[]; readonly groups: readonly Address[] },
  ): Promise<ResolvedTargets> {
    const named = await this.directory.resolve(tx, ctx, wanted.proxies);
    const findings = named.findings.map((f) => ({ ...f, pointer: `/targets/proxies${f.pointer}` }));
    if (wanted.groups.length === 0) return { proxies: named.proxies, findings };
    const grouped = await this.groups.resolve(tx, ctx, wanted.groups);
    findings.push(...grouped.findings.map((f) => ({ ...f, pointer: `/targets/groups${f.pointer}` })));
    const proxies = new Map([...named.proxies, ...grouped.proxies].map((proxy) => [proxy.id, proxy]));
    if (proxies.size === 0 && findings.length === 0) {
      findings.push(error('/targets/groups', 'deployment.no-targets', 'no proxy belongs to these groups'));
    }
    return { proxies: [...proxies.values()], findings };
  }
}
