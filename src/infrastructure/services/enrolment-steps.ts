import { LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { recordAction } from '../../common/audit/record.js';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Transaction } from '../../common/database/database.js';
import { EnvoyProxy, type ProxyRequest } from '../entities/envoy-proxy.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { GroupMembers, withDescendants } from './group-members.service.js';
import { Proxies, withLiveCredential } from './proxies.service.js';
import { type IssuedCredential, ProxyCredentials } from './proxy-credentials.service.js';

/** What a machine says of the proxy that it is about to start. Its labels and group come from the token. */
export type EnrolmentRequest = Omit<ProxyRequest, 'labels' | 'vm' | 'container'>;

export interface Enrolled extends IssuedCredential {
  readonly proxy: { readonly id: string; readonly name: string; readonly nodeId: string };
}

/** A token that is good for one more proxy at least, its row locked. */
export interface EnrolmentRight {
  readonly id: string;
  readonly name: string;
  readonly group_id: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is written when a token is good. */
@Injectable()
export class EnrolmentSteps {
  constructor(
    private readonly proxies: Proxies,
    private readonly members: GroupMembers,
    private readonly credentials: ProxyCredentials,
  ) {}

  /** In the caller's transaction, which holds the token. @throws ProblemError 409 */
  async run(tx: Transaction, ctx: RequestContext, token: EnrolmentRight, request: EnrolmentRequest): Promise<Enrolled> {
    const proxy = (await this.registered(tx, token, request)) ?? (await this.make(tx, ctx, token, request));
    await tx.query(
      'insert into enrolments (tenant_id, enrolment_token_id, proxy_id, proxy_name) values ($1, $2, $3, $4)',
      [ctx.tenantId, token.id, proxy.id, proxy.name],
    );
    const issued = await this.credentials.issueIn(tx, proxy, { name: `enrolled by ${token.name}`.slice(0, 255) });
    await recordAction(tx, ctx, {
      action: 'enrol',
      resourceType: 'envoy_proxies',
      resourceId: proxy.id,
      resourceName: proxy.name,
      changes: { enrolmentToken: token.id, credential: issued.credential.id },
    });
    return { ...issued, proxy: { id: proxy.id, name: proxy.name, nodeId: proxy.nodeId } };
  }

  /**
   * A proxy that people registered before. Whoever has the token may say any node id, so one that is in use, that the token enrolled
   * before, or that is not in the token's group, is not handed out.
   */
  private async registered(
    tx: Transaction,
    token: EnrolmentRight,
    { nodeId }: EnrolmentRequest,
  ): Promise<EnvoyProxy | null> {
    const proxy = await tx.em.findOne(EnvoyProxy, { nodeId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!proxy) return null;
    const refuse = (detail: string): Error => infrastructureProblems.alreadyEnrolled({ detail });
    const before = await tx.query('select 1 from enrolments where enrolment_token_id = $1 and proxy_id = $2', [
      token.id,
      proxy.id,
    ]);
    if (before.length > 0)
      throw refuse('It was enrolled by this token before; an enrolment token works once per proxy.');
    if ((await withLiveCredential(tx, [proxy.id])) !== undefined)
      throw refuse('It has a valid credential; revoke that first.');
    if (token.group_id !== null && !(await belongs(tx, token.group_id, proxy.id))) {
      throw refuse('It does not belong to the group that the token is for.');
    }
    return proxy;
  }

  private async make(
    tx: Transaction,
    ctx: RequestContext,
    token: EnrolmentRight,
    request: EnrolmentRequest,
  ): Promise<EnvoyProxy> {
    const { id, name } = await this.proxies.insertIn(tx, ctx, { ...request, labels: token.labels });
    if (token.group_id !== null) {
      await this.members.addIn(tx, ctx, { groupId: token.group_id, proxy: { id, name }, reason: 'enrolled' });
    }
    return tx.em.findOneOrFail(EnvoyProxy, { id });
  }
}

async function belongs(tx: Transaction, groupId: string, proxyId: string): Promise<boolean> {
  const groups = await withDescendants(tx, [groupId]);
  const rows = await tx.query(
    'select 1 from proxy_group_members where envoy_proxy_id = $1 and proxy_group_id = any($2::uuid[]) limit 1',
    [proxyId, groups],
  );
  return rows.length > 0;
}
