import { readTime } from '../../common/clock/time-text.js';
import { loadConfig } from '../../common/config/config.js';
import { Database } from '../../common/database/database.js';
import { type AuditScope, auditOfPlatform, auditOfTenant, AuditVerification } from '../../observability/index.js';
import { openDatabaseSource } from '../../start/database-source.js';

export interface AuditVerifyOptions {
  readonly tenant?: string;
  readonly from: string;
  readonly to?: string;
  readonly anchor?: string;
  readonly json?: boolean;
}

interface Log {
  readonly name: string;
  readonly scope: AuditScope;
}

/** Raised where what was asked for cannot be checked; the message is the sentence. */
class CannotVerify extends Error {
  override readonly name = 'CannotVerify';
}

/** Checks audit logs as the database has them, with the rights of a server. The process ends with 1 where one is broken. */
export async function verifyAudit(options: AuditVerifyOptions): Promise<void> {
  const window = { from: timeOf('--from', options.from), ...(options.to && { to: timeOf('--to', options.to) }) };
  const anchor = anchorOf(options);
  const source = await openDatabaseSource(loadConfig());
  try {
    const database = await Database.open({ ...source, entities: [] });
    try {
      for (const { name, scope } of await logsOf(database, options.tenant)) {
        const result = await new AuditVerification().verify(scope, {
          ...window,
          ...(anchor === undefined ? {} : { anchor }),
        });
        if (result.state === 'broken') process.exitCode = 1;
        process.stdout.write(
          options.json ? `${JSON.stringify(Object.assign({ log: name }, result))}\n` : sentence(name, result),
        );
      }
    } finally {
      await database.close();
    }
  } finally {
    await source.stop();
  }
}

async function logsOf(database: Database, only: string | undefined): Promise<Log[]> {
  const tenants = await database.system((tx) =>
    tx.query<{ id: string; name: string }>(
      'select id, name from tenants where $1::text is null or name = $1 order by name',
      [only ?? null],
    ),
  );
  const logs = tenants.map(({ id, name }) => ({
    name: `tenant ${name}`,
    scope: auditOfTenant(database, { tenantId: id }),
  }));
  if (only === undefined) return [...logs, { name: 'platform', scope: auditOfPlatform(database) }];
  if (logs.length === 0) throw new CannotVerify(`there is no tenant ${only}`);
  return logs;
}

function timeOf(option: string, text: string): Date {
  const time = readTime(text);
  if (!time) throw new CannotVerify(`${option}: expected a time like 2030-01-01T00:00:00Z`);
  return time;
}

function anchorOf({ anchor, tenant }: AuditVerifyOptions): string | undefined {
  if (anchor === undefined) return undefined;
  if (tenant === undefined) throw new CannotVerify('--anchor needs --tenant: each log has a chain of its own');
  if (/^[1-9]\d{0,14}:[0-9a-f]{64}$/.test(anchor)) return anchor;
  throw new CannotVerify('--anchor: expected <number>:<64 hexadecimal digits>');
}

type Result = Awaited<ReturnType<AuditVerification['verify']>>;

function sentence(name: string, { state, verified, archived, firstBreak, head }: Result): string {
  const checked = `${verified} entries verified${archived > 0 ? `, ${archived} in an archive` : ''}`;
  if (firstBreak) {
    const place = [
      firstBreak.number && `link ${firstBreak.number}`,
      firstBreak.entryId && `entry ${firstBreak.entryId}`,
    ];
    return `${name}: broken (${firstBreak.kind}) at ${place.filter(Boolean).join(', ')}: ${firstBreak.detail}\n`;
  }
  return `${name}: ${state}, ${checked}${head ? `; head ${head.number}:${head.hash}` : ''}\n`;
}
