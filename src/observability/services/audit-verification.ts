import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../common/database/database.js';
import type { AuditChainDto, AuditChainQuery, ChainBreakDto, ChainHeadDto } from '../dto/audit-chain.dto.js';
import { exactTime, FIRST_HASH, linkedText, linkHash } from './audit-links.js';
import type { AuditScope } from './audit-scope.js';
import { auditWindow, requireWindow } from './audit-window.js';

/** Links that are checked in one transaction. */
const BATCH = 1000;

interface LinkRow {
  readonly number: string;
  readonly hash: Buffer;
  readonly at: string;
  readonly entryId: string;
  /** Null where the entry is not there. */
  readonly text: string | null;
  readonly isArchived: boolean;
}

interface Progress {
  /** The last link that was good, and its hash. */
  number: number;
  hash: Buffer;
  verified: number;
  archived: number;
}

/**
 * Checks a chain against its audit log and names the first place where they part. Found are entries that were changed,
 * removed, or slipped in behind the chain, and links that were changed or removed, whoever did it. Somebody who may write both tables and
 * takes away the newest entries with their links, or computes all hashes anew, is found by an anchor only: a head written down elsewhere.
 */
@Injectable()
export class AuditVerification {
  /** @throws ProblemError 422 for a window that ends before it begins */
  async verify(scope: AuditScope, { from, to, anchor }: Omit<AuditChainQuery, 'scope'>): Promise<AuditChainDto> {
    requireWindow({ from, to });
    const window = [from?.toISOString() ?? null, to?.toISOString() ?? null];
    const { head, first, last, lost } = await scope.read(async (tx) => ({
      head: await readHead(tx, scope),
      lost: anchor === undefined ? null : await checkAnchor(tx, scope, anchor),
      ...(await readRange(tx, scope, window)),
    }));
    const progress: Progress = { number: 0, hash: FIRST_HASH, verified: 0, archived: 0 };
    const firstBreak =
      lost ??
      (await this.follow(scope, progress, { first, last })) ??
      (await scope.read((tx) => findUnlinked(tx, scope, window)));
    const { verified, archived } = progress;
    return { state: firstBreak ? 'broken' : 'intact', verified, archived, firstBreak, head };
  }

  private async follow(
    scope: AuditScope,
    progress: Progress,
    { first, last }: { first: number; last: number },
  ): Promise<ChainBreakDto | null> {
    if (first > 1) {
      const before = await scope.read((tx) => readHash(tx, scope, first - 1));
      if (!before) return linkMissing(first - 1);
      progress.number = first - 1;
      progress.hash = before;
    }
    while (progress.number < last) {
      const links = await scope.read((tx) => readLinks(tx, scope, progress.number, last));
      const broken = walk(links, progress);
      if (broken) return broken;
      if (links.length === 0) return linkMissing(progress.number + 1);
    }
    return null;
  }
}

function walk(links: readonly LinkRow[], progress: Progress): ChainBreakDto | null {
  for (const link of links) {
    const number = Number(link.number);
    if (number !== progress.number + 1) return linkMissing(progress.number + 1);
    const place = { number, entryId: link.entryId, at: link.at };
    if (link.text === null) {
      if (!link.isArchived)
        return { kind: 'row-missing', ...place, detail: 'The entry is gone, but its link is there.' };
      progress.archived += 1;
    } else if (!linkHash(progress.hash, link.text).equals(link.hash)) {
      return {
        kind: 'row-changed',
        ...place,
        detail: 'The entry, or its link, is not what it was when it was chained.',
      };
    } else {
      progress.verified += 1;
    }
    progress.number = number;
    progress.hash = link.hash;
  }
  return null;
}

const linkMissing = (number: number): ChainBreakDto => ({
  kind: 'link-missing',
  number,
  entryId: null,
  at: null,
  detail: `Link ${number} of the chain is gone.`,
});

async function readHead(tx: Transaction, scope: AuditScope): Promise<ChainHeadDto | null> {
  const [row] = await tx.query<{ number: string; hash: Buffer; chainedAt: Date }>(
    `select number, hash, chained_at as "chainedAt" from audit_chain c where ${scope.links('c')} order by number desc limit 1`,
  );
  return row ? { number: Number(row.number), hash: row.hash.toString('hex'), chainedAt: row.chainedAt } : null;
}

async function readHash(tx: Transaction, scope: AuditScope, number: number): Promise<Buffer | undefined> {
  const [row] = await tx.query<{ hash: Buffer }>(
    `select hash from audit_chain c where ${scope.links('c')} and number = $1`,
    [number],
  );
  return row?.hash;
}

async function checkAnchor(tx: Transaction, scope: AuditScope, anchor: string): Promise<ChainBreakDto | null> {
  const [number = '', hash = ''] = anchor.split(':');
  if ((await readHash(tx, scope, Number(number)))?.equals(Buffer.from(hash, 'hex'))) return null;
  const detail = `Link ${number} is not the one that the anchor was taken from.`;
  return { kind: 'anchor', number: Number(number), entryId: null, at: null, detail };
}

/** The numbers of the links whose rows are in the window; 1 to 0 where there are none. */
async function readRange(
  tx: Transaction,
  scope: AuditScope,
  window: readonly unknown[],
): Promise<{ first: number; last: number }> {
  const [row] = await tx.query<{ first: string; last: string }>(
    `select coalesce(min(number), 1) as first, coalesce(max(number), 0) as last from audit_chain c
      where ${scope.links('c')} and ${auditWindow('audit_created_at')}`,
    window,
  );
  return { first: Number(row?.first ?? 1), last: Number(row?.last ?? 0) };
}

function readLinks(tx: Transaction, scope: AuditScope, after: number, last: number): Promise<LinkRow[]> {
  return tx.query<LinkRow>(
    `select c.number, c.hash, ${exactTime('c.audit_created_at')} as at, c.audit_id as "entryId",
            case when a.id is not null then ${linkedText('a')} end as text,
            a.id is null and not exists (
              select from pg_inherits i where i.inhparent = 'audit_logs'::regclass
                 and i.inhrelid = to_regclass('audit_logs_' || to_char(c.audit_created_at at time zone 'UTC', 'YYYY_MM'))) as "isArchived"
       from audit_chain c left join audit_logs a on a.created_at = c.audit_created_at and a.id = c.audit_id
      where ${scope.links('c')} and c.number > $1 and c.number <= $2 order by c.number limit $3`,
    [after, last, BATCH],
  );
}

/** A row in the part of the log that is chained, without a link. */
async function findUnlinked(
  tx: Transaction,
  scope: AuditScope,
  window: readonly unknown[],
): Promise<ChainBreakDto | null> {
  const [row] = await tx.query<{ id: string; at: string }>(
    `select a.id, ${exactTime('a.created_at')} as at from audit_logs a, audit_chain_position p
      where ${scope.rows('a')} and ${auditWindow('a.created_at')} and (a.xid, a.created_at, a.id) <= (p.xid, p.audit_created_at, p.audit_id)
        and not exists (select from audit_chain c where ${scope.links('c')} and c.audit_created_at = a.created_at and c.audit_id = a.id)
      order by a.created_at, a.id limit 1`,
    window,
  );
  if (!row) return null;
  const detail = 'The entry has no link: it was slipped in, or its link was taken away.';
  return { kind: 'row-not-linked', number: null, entryId: row.id, at: row.at, detail };
}
