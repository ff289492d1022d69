import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { AuditEntryDto, AuditPageDto, AuditPageQuery } from '../dto/audit.dto.js';
import { decodeAuditCursor, encodeAuditCursor } from './audit-cursor.js';
import { type AuditCriteria, type AuditPosition, readAudit } from './audit-query.js';
import type { AuditScope } from './audit-scope.js';
import { requireWindow } from './audit-window.js';

/** Entries that an export reads in one transaction. */
const EXPORT_BATCH = 200;
/** Bytes that an export reads ahead of the client. */
const EXPORT_AHEAD = 64 * 1024;

/** Searches and exports an audit log. */
@Injectable()
export class AuditLog {
  /** Newest first. @throws ProblemError 400 for a broken cursor, 422 for a window that ends before it begins */
  async search(scope: AuditScope, { limit, cursor, ...filters }: Omit<AuditPageQuery, 'scope'>): Promise<AuditPageDto> {
    requireWindow(filters);
    const rows = await scope.read((tx) =>
      readAudit(tx, filters, {
        scope,
        order: 'newest first',
        limit: limit + 1,
        ...(cursor === undefined ? {} : { after: decodeAuditCursor(cursor) }),
      }),
    );
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, nextCursor: rows.length > limit && last ? encodeAuditCursor(last) : null };
  }

  /**
   * Every matching entry as NDJSON, oldest first. It reads as fast as the client does, a batch in a transaction of its own, so that a
   * slow client holds neither memory nor a snapshot. What fails later than the first batch breaks the stream off: a whole export ends
   * with the end of the response.
   * @throws ProblemError 422 for a window that ends before it begins
   */
  async export(scope: AuditScope, filters: AuditCriteria): Promise<Readable> {
    requireWindow(filters);
    const fixed = { ...filters, to: filters.to ?? (await now(scope)) };
    const first = await exportBatch(scope, fixed);
    return Readable.from(exportFrom(scope, fixed, first), { objectMode: false, highWaterMark: EXPORT_AHEAD });
  }
}

async function* exportFrom(
  scope: AuditScope,
  filters: AuditCriteria,
  first: readonly AuditEntryDto[],
): AsyncGenerator<string> {
  for (let batch = first; ;) {
    const last = batch.at(-1);
    if (!last) return;
    yield batch.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    if (batch.length < EXPORT_BATCH) return;
    batch = await exportBatch(scope, filters, last);
  }
}

function exportBatch(scope: AuditScope, filters: AuditCriteria, after?: AuditPosition): Promise<AuditEntryDto[]> {
  return scope.read((tx) =>
    readAudit(tx, filters, { scope, order: 'oldest first', limit: EXPORT_BATCH, ...(after && { after }) }),
  );
}

async function now(scope: AuditScope): Promise<Date> {
  const [row] = await scope.read((tx) => tx.query<{ now: Date }>('select now()'));
  if (!row) throw new Error('the database has no time');
  return row.now;
}
