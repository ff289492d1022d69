import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { ProblemError } from '../../common/errors/problem.js';
import { lookupHash, type Origin } from '../../tenancy/index.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { type Enrolled, type EnrolmentRequest, type EnrolmentRight, EnrolmentSteps } from './enrolment-steps.js';
import { EnrolmentAttempts } from './enrolment-attempts.js';
import { ENROLMENT_PREFIX } from './enrolment-tokens.service.js';
import { shareGroups } from './group-locks.js';
import { Proxies } from './proxies.service.js';

interface TokenRow extends EnrolmentRight {
  readonly tenant_id: string;
  readonly max_uses: number;
  readonly expires_at: Date;
}

const TOKEN = new RegExp(`^${ENROLMENT_PREFIX}_[A-Za-z0-9_-]{43}$`);

/** Lets machines exchange an enrolment token for a credential of their own proxy. */
@Injectable()
export class Enrolment {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly proxies: Proxies,
    private readonly steps: EnrolmentSteps,
    private readonly attempts: EnrolmentAttempts,
  ) {}

  /**
   * Makes the proxy, or finds one of that node id that was registered before and has no valid credential, and issues its credential. Uses
   * of a token are counted under its lock, so that there are never more of them than it is good for.
   * @throws ProblemError 401 for a token that is unknown, expired or used up; 409 for a proxy that is not to be had by it; 429
   */
  async enrol(origin: Origin, token: string | undefined, request: EnrolmentRequest): Promise<Enrolled> {
    await this.attempts.begin(origin, token);
    try {
      return await this.exchange(origin, token, request);
    } catch (error) {
      if (error instanceof ProblemError) await this.attempts.failed(origin, token);
      throw error;
    }
  }

  private async exchange(origin: Origin, token: string | undefined, request: EnrolmentRequest): Promise<Enrolled> {
    const found = token === undefined ? undefined : await this.find(token);
    if (!found) throw this.refuse(origin, undefined, 'the enrolment token is unknown');
    const actor = { kind: 'proxy', id: null, name: `${request.nodeId} (enrolment token ${found.name})` } as const;
    const ctx: RequestContext = { tenantId: found.tenant_id, actor, ...origin };
    const outcome = await this.proxies.explaining({ nodeId: request.nodeId }, () =>
      this.database.tenant(ctx, async (tx) => {
        await shareGroups(tx, ctx);
        const usable = await this.lockUsable(tx, found.id);
        return typeof usable === 'string' ? usable : this.steps.run(tx, ctx, usable, request);
      }),
    );
    if (typeof outcome === 'string') throw this.refuse(origin, found, outcome);
    return outcome;
  }

  private async find(token: string): Promise<TokenRow | undefined> {
    if (!TOKEN.test(token)) return undefined;
    const rows = await this.database.system((tx) =>
      tx.query<TokenRow>(
        `select t.* from credential_index i
           join enrolment_tokens t on (t.tenant_id, t.id) = (i.tenant_id, i.subject_id)
           join tenants on tenants.id = t.tenant_id
          where i.kind = 'enrolment_token' and i.lookup_hash = $1 and tenants.is_active`,
        [lookupHash(token)],
      ),
    );
    return rows[0];
  }

  /** The token, its row locked, or why it is not good any more. */
  private async lockUsable(tx: Transaction, id: string): Promise<TokenRow | string> {
    const [token] = await tx.query<TokenRow>('select * from enrolment_tokens where id = $1 for update', [id]);
    if (!token) return 'the enrolment token is unknown';
    if (token.expires_at.getTime() <= this.clock.now()) return 'the enrolment token is expired';
    const [{ uses } = { uses: '0' }] = await tx.query<{ uses: string }>(
      'select count(*) as uses from enrolments where enrolment_token_id = $1',
      [id],
    );
    return Number(uses) < token.max_uses ? token : 'the enrolment token is used up';
  }

  private refuse(origin: Origin, token: TokenRow | undefined, reason: string): Error {
    this.attempts.refused(origin, token && { id: token.id, tenantId: token.tenant_id }, reason);
    return infrastructureProblems.enrolmentRefused({ detail: `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.` });
  }
}
