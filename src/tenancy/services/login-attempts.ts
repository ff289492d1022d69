import { Injectable } from '@nestjs/common';
import { tenancyProblems } from '../tenancy.errors.js';
import { AttemptLimits, networkOf, type Subject } from './attempt-limits.js';

/** Who tries to log in, and from where. */
export interface Attempt {
  /** E-mail as it was sent, in lower case; whether anybody has it plays no part. */
  readonly account: string;
  readonly ip?: string;
}

const MOST_PER_ACCOUNT = 10;
/** An address can stand for an office; whoever goes through lists of e-mails needs far more. */
const MOST_PER_ADDRESS = 100;

/**
 * Bounds how often passwords can be guessed: ten failures per e-mail and a hundred per address (IPv6: per /64) in a quarter of an hour.
 * An attempt counts before the password is looked at, so that a thousand at once are no way around it, and is taken back when the
 * password was right. An e-mail that nobody has is counted and refused like any other: the answers tell nothing. The price is that
 * somebody can keep a person from logging in for a while; sessions and API keys that exist go on working.
 */
@Injectable()
export class LoginAttempts {
  constructor(private readonly limits: AttemptLimits) {}

  /** Counts an attempt. @throws ProblemError 429 with the seconds until the window ends */
  async begin(attempt: Attempt): Promise<void> {
    const retryAfter = await this.limits.count([accountOf(attempt), ...addressesOf(attempt)]);
    if (retryAfter === undefined) return;
    throw tenancyProblems.tooManyLogins({ detail: 'Wait as long as Retry-After says, then try again.', retryAfter });
  }

  /** The password was right: the account starts afresh, and the address gets its attempt back. */
  async succeeded(attempt: Attempt): Promise<void> {
    await this.limits.forget(accountOf(attempt));
    for (const address of addressesOf(attempt)) await this.limits.takeBack(address);
  }
}

const accountOf = ({ account }: Attempt): Subject => ({ kind: 'account', key: account, most: MOST_PER_ACCOUNT });

const addressesOf = ({ ip }: Attempt): readonly Subject[] =>
  ip === undefined ? [] : [{ kind: 'address', key: networkOf(ip), most: MOST_PER_ADDRESS }];
