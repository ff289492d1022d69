import { isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { Database } from '../../common/database/database.js';
import { lookupHash } from '../credential-index.js';
import { tenancyProblems } from '../tenancy.errors.js';

/** Who tries to log in, and from where. */
export interface Attempt {
  /** E-mail as it was sent, in lower case; whether anybody has it plays no part. */
  readonly account: string;
  readonly ip?: string;
}

const WINDOW_MS = 15 * 60 * 1000;
const MOST_PER_ACCOUNT = 10;
/** An address can stand for an office; whoever goes through lists of e-mails needs far more. */
const MOST_PER_ADDRESS = 100;
const CLEARED_AT_ONCE = 20;

interface Counted {
  readonly kind: 'account' | 'address';
  readonly failures: number;
  readonly window_ends_at: Date;
}

/**
 * Bounds how often passwords can be guessed: ten failures per e-mail and a hundred per address (IPv6: per /64) in a quarter of an hour,
 * counted in the database, so that neither more replicas nor a restart give more tries. An attempt counts before the password is looked
 * at, so that a thousand at once are no way around it, and is taken back when the password was right. An e-mail that nobody has is
 * counted and refused like any other: the answers tell nothing. The price is that somebody can keep a person from logging in for a while;
 * sessions and API keys that exist go on working.
 */
@Injectable()
export class LoginAttempts {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Counts an attempt. @throws ProblemError 429 with the seconds until the window ends */
  async begin(attempt: Attempt): Promise<void> {
    const now = this.clock.now();
    const subjects = subjectsOf(attempt);
    const counted = await this.database.system(async (tx) => {
      await tx.query(
        `delete from login_failures where (kind, subject_hash) in (
           select kind, subject_hash from login_failures where window_ends_at <= $1 limit $2 for update skip locked)`,
        [new Date(now), CLEARED_AT_ONCE],
      );
      return tx.query<Counted>(
        `insert into login_failures as known (kind, subject_hash, failures, window_ends_at)
         select kind, subject_hash, 1, $4 from unnest($1::text[], $2::bytea[]) as s (kind, subject_hash) order by kind
         on conflict (kind, subject_hash) do update
           set failures = case when known.window_ends_at <= $3 then 1 else known.failures + 1 end,
               window_ends_at = case when known.window_ends_at <= $3 then excluded.window_ends_at else known.window_ends_at end
         returning kind, failures, window_ends_at`,
        [subjects.map(({ kind }) => kind), subjects.map(({ hash }) => hash), new Date(now), new Date(now + WINDOW_MS)],
      );
    });
    const ends = counted.filter(isOver).map(({ window_ends_at }) => window_ends_at.getTime());
    if (ends.length === 0) return;
    const retryAfter = Math.max(1, Math.ceil((Math.max(...ends) - now) / 1000));
    throw tenancyProblems.tooManyLogins({ detail: 'Wait as long as Retry-After says, then try again.', retryAfter });
  }

  /** The password was right: the account starts afresh, and the address gets its attempt back. */
  async succeeded(attempt: Attempt): Promise<void> {
    const [account, address] = subjectsOf(attempt);
    await this.database.system(async (tx) => {
      await tx.query(`delete from login_failures where kind = 'account' and subject_hash = $1`, [account?.hash]);
      if (!address) return;
      await tx.query(
        `update login_failures set failures = failures - 1 where kind = 'address' and subject_hash = $1 and failures > 0`,
        [address.hash],
      );
    });
  }
}

const isOver = ({ kind, failures }: Counted): boolean =>
  failures > (kind === 'account' ? MOST_PER_ACCOUNT : MOST_PER_ADDRESS);

interface Subject {
  readonly kind: Counted['kind'];
  readonly hash: Buffer;
}

function subjectsOf({ account, ip }: Attempt): readonly Subject[] {
  return [
    { kind: 'account', hash: lookupHash(account) },
    ...(ip === undefined ? [] : [{ kind: 'address', hash: lookupHash(networkOf(ip)) } as const]),
  ];
}

/** Whoever has one IPv6 address has the 2⁶⁴ of its network. */
function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - after.length }, () => '0');
  return [...groups, ...zeros, ...after].slice(0, 4).join(':');
}
