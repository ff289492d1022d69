import { Injectable } from '@nestjs/common';
import { DeniedAccessLog } from '../../common/audit/denied-access.js';
import { AttemptLimits, networkOf, type Origin, type Subject } from '../../tenancy/index.js';
import { infrastructureProblems } from '../infrastructure.errors.js';

/** Failures with one token from one network: more than a machine that is set up wrongly needs to be noticed. */
const MOST_PER_TOKEN = 20;
/** A network can stand for a data centre. */
const MOST_PER_NETWORK = 200;

/**
 * Keeps account of enrolments that fail, and bounds how often that is, for each network (IPv6: /64) and for each token from it, in a quarter of an hour. By both, so that a
 * machine that is set up wrongly does not shut out those that use the same token elsewhere. Tokens cannot be guessed, so successes cost
 * nothing: however many machines enrol at once, none waits for another. A token that nobody made is counted and refused like any other.
 */
@Injectable()
export class EnrolmentAttempts {
  constructor(
    private readonly limits: AttemptLimits,
    private readonly denied: DeniedAccessLog,
  ) {}

  /** @throws ProblemError 429 after too many failures, with the seconds until the window ends */
  async begin(origin: Origin, token: string | undefined): Promise<void> {
    const retryAfter = await this.limits.blocked(subjectsOf(origin, token));
    if (retryAfter === undefined) return;
    throw infrastructureProblems.tooManyEnrolments({
      detail: 'Wait as long as Retry-After says, then try again; the audit log says why it failed.',
      retryAfter,
    });
  }

  async failed(origin: Origin, token: string | undefined): Promise<void> {
    await this.limits.count(subjectsOf(origin, token));
  }

  /** Tells the audit log of a token that was not good. @param token undefined where there is none like it */
  refused(origin: Origin, token: { readonly id: string; readonly tenantId: string } | undefined, reason: string): void {
    this.denied.record({
      tenantId: token?.tenantId ?? null,
      actor: { kind: 'proxy', id: null, name: 'unknown proxy' },
      action: 'enrol',
      resourceType: 'enrolment_tokens',
      ...(token === undefined ? {} : { resourceId: token.id }),
      reason,
      ...origin,
    });
  }
}

function subjectsOf({ ip }: Origin, token = ''): readonly Subject[] {
  const network = ip === undefined ? 'unknown' : networkOf(ip);
  return [
    { kind: 'enrolment', key: `${network} ${token}`, most: MOST_PER_TOKEN },
    { kind: 'enrolment_address', key: network, most: MOST_PER_NETWORK },
  ];
}
