import { isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { Database } from '../../common/database/database.js';
import { lookupHash } from '../credential-index.js';

/** Whose failures are counted together, and how many are borne in a window. */
export interface Subject {
  readonly kind: 'account' | 'address' | 'enrolment' | 'enrolment_address';
  /** Kept as its hash only. */
  readonly key: string;
  readonly most: number;
}

const WINDOW_MS = 15 * 60 * 1000;
const CLEARED_AT_ONCE = 20;

interface Counted {
  readonly kind: Subject['kind'];
  readonly failures: number;
  readonly window_ends_at: Date;
}

/**
 * Counts failures in windows of a quarter of an hour that begin with the first one, in the database, so that neither more replicas nor a
 * restart give more tries.
 */
@Injectable()
export class AttemptLimits {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Counts one failure of each, at most one subject of a kind. @returns the seconds until another is borne, where that was one too many */
  async count(subjects: readonly Subject[]): Promise<number | undefined> {
    const now = this.clock.now();
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
        [...columnsOf(subjects), new Date(now), new Date(now + WINDOW_MS)],
      );
    });
    return this.wait(subjects, counted, (failures, most) => failures > most);
  }

  /** The seconds until another failure is borne, where there were as many as are. */
  async blocked(subjects: readonly Subject[]): Promise<number | undefined> {
    const counted = await this.database.system((tx) =>
      tx.query<Counted>(
        `select known.kind, known.failures, known.window_ends_at
           from login_failures known join unnest($1::text[], $2::bytea[]) as s (kind, subject_hash) using (kind, subject_hash)
          where known.window_ends_at > $3`,
        [...columnsOf(subjects), new Date(this.clock.now())],
      ),
    );
    return this.wait(subjects, counted, (failures, most) => failures >= most);
  }

  /** Lets the subject start afresh. */
  async forget({ kind, key }: Subject): Promise<void> {
    await this.database.system((tx) =>
      tx.query('delete from login_failures where kind = $1 and subject_hash = $2', [kind, lookupHash(key)]),
    );
  }

  /** Takes one failure back. */
  async takeBack({ kind, key }: Subject): Promise<void> {
    await this.database.system((tx) =>
      tx.query(
        'update login_failures set failures = failures - 1 where kind = $1 and subject_hash = $2 and failures > 0',
        [kind, lookupHash(key)],
      ),
    );
  }

  private wait(
    subjects: readonly Subject[],
    counted: readonly Counted[],
    isOver: (failures: number, most: number) => boolean,
  ): number | undefined {
    const ends = counted.flatMap(({ kind, failures, window_ends_at: end }) => {
      const subject = subjects.find((each) => each.kind === kind);
      return subject && isOver(failures, subject.most) ? [end.getTime()] : [];
    });
    return ends.length === 0 ? undefined : Math.max(1, Math.ceil((Math.max(...ends) - this.clock.now()) / 1000));
  }
}

const columnsOf = (subjects: readonly Subject[]): readonly [kinds: readonly string[], hashes: readonly Buffer[]] => [
  subjects.map(({ kind }) => kind),
  subjects.map(({ key }) => lookupHash(key)),
];

/** Whoever has one IPv6 address has the 2⁶⁴ of its network. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - after.length }, () => '0');
  return [...groups, ...zeros, ...after].slice(0, 4).join(':');
}
