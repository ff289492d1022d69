import { numberArray, uuidArray } from '../../common/database/array-texts.js';
import type { Transaction } from '../../common/database/database.js';
import { CommonValues } from './common-values.js';
import type { AcknowledgementRow } from './stream-record.js';

const SENT = ['sent_version', 'sent_hash', 'sent_at', 'resource_count'] as const;
const ACKED = ['acked_version', 'acked_at'] as const;
const NACKED = ['nacked_version', 'nacked_at', 'nacked_hash', 'error_code', 'error_message'] as const;

/** SQL: what is known of a type on a stream, by names of columns. */
export const ACKNOWLEDGEMENT_COLUMNS = [...SENT, ...ACKED, ...NACKED].join(', ');

/** SQL: per group of columns, what is newer of the row that is there (`a`) and the one that comes; equal or no time keeps it. */
export const TAKE_NEWER = [SENT, ACKED, NACKED]
  .map((group) => {
    const at = group.find((column) => column.endsWith('_at')) ?? '';
    const isNewer = `coalesce(excluded.${at} > a.${at}, excluded.${at} is not null)`;
    return group.map((column) => `${column} = case when ${isNewer} then excluded.${column} else a.${column} end`);
  })
  .flat()
  .join(', ');

/** SQL: of the rows of a group, the columns of the newest, for rows `a` of one type. */
export const NEWEST_OF_EACH = [SENT, ACKED, NACKED]
  .map((group) => {
    const at = group.find((column) => column.endsWith('_at')) ?? '';
    return group.map((column) => `(array_agg(a.${column} order by a.${at} desc nulls last))[1]`);
  })
  .flat()
  .join(', ');

/** Writes what streams took and refused. What a stream that was folded had of a type stays where it is newer. */
export async function writeAcknowledgements(tx: Transaction, rows: readonly AcknowledgementRow[]): Promise<void> {
  if (rows.length === 0) return;
  const common = new CommonValues();
  const numbers = rows.map((row) =>
    common.numberOf(keyOf(row), () => ({
      tenant_id: row.tenantId,
      kind: row.kind,
      sent_version: row.sentVersion,
      sent_hash: row.sentHash,
      resource_count: row.resourceCount,
      acked_version: row.ackedVersion,
      nacked_version: row.nackedVersion,
      nacked_hash: row.nackedHash,
      error_code: row.errorCode,
      error_message: row.errorMessage?.toWellFormed(),
    })),
  );
  await tx.query(
    `insert into resource_acknowledgements as a (tenant_id, stream_id, kind, ${ACKNOWLEDGEMENT_COLUMNS})
     select t.tenant_id, u.stream_id, t.kind, t.sent_version, t.sent_hash, to_timestamp(u.sent_at / 1000), t.resource_count,
            t.acked_version, to_timestamp(u.acked_at / 1000), t.nacked_version, to_timestamp(u.nacked_at / 1000), t.nacked_hash,
            t.error_code, t.error_message
       from unnest($1::uuid[], $2::integer[], $3::float8[], $4::float8[], $5::float8[])
         as u (stream_id, common, sent_at, acked_at, nacked_at)
       join json_to_recordset($6) as t (no integer, tenant_id uuid, kind text, sent_version text, sent_hash text, resource_count integer,
                                        acked_version text, nacked_version text, nacked_hash text, error_code integer, error_message text)
         on t.no = u.common
      where exists (select from xds_streams s where s.tenant_id = t.tenant_id and s.id = u.stream_id)
      order by t.tenant_id, u.stream_id, t.kind
     on conflict (tenant_id, stream_id, kind) do update set ${TAKE_NEWER}`,
    [
      uuidArray(rows.map(({ streamId }) => streamId)),
      numberArray(numbers),
      numberArray(rows.map(({ sentAt }) => sentAt)),
      numberArray(rows.map(({ ackedAt }) => ackedAt)),
      numberArray(rows.map(({ nackedAt }) => nackedAt)),
      common.toJson(),
    ],
  );
}

/** Versions and hashes are hex, so a bar between them divides them; what was refused goes last. */
function keyOf(row: AcknowledgementRow): string {
  const key = `${row.tenantId}|${row.kind}|${row.sentVersion}|${row.sentHash}|${row.resourceCount}|${row.ackedVersion}`;
  if (row.nackedAt === null) return key;
  return `${key}|${row.nackedVersion}|${row.nackedHash}|${row.errorCode}|${row.errorMessage}`;
}
