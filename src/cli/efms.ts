import { Command } from 'commander';
import type { AuditVerifyOptions } from './commands/audit-verify.js';
import { describeStartFailure } from '../start/start-failure.js';

/** Each command is a file of its own that is loaded when it runs, so that the small ones start fast. */
const program = new Command('efms').description('Envoy fleet management system');

program
  .command('start')
  .description('start the server (settings: EFMS_* and DATABASE_* variables)')
  .action(async () => {
    await import('../main.js');
  });

const db = program.command('db').description('the database');

db.command('init')
  .description('make the three roles and the database on a PostgreSQL server of your own')
  .requiredOption('--admin-url <url>', 'a connection that may create roles and databases')
  .option('--database <name>', 'the database to make', 'efms')
  .action(async (options: { adminUrl: string; database: string }) => {
    const { initialiseDatabase } = await import('./commands/db-init.js');
    await initialiseDatabase(options);
  });

db.command('migrate')
  .description('bring the schema up to this release (DATABASE_OWNER_URL, or the embedded database)')
  .action(async () => {
    const { migrateDatabase } = await import('./commands/db-migrate.js');
    await migrateDatabase();
  });

program
  .command('audit')
  .description('the audit log')
  .command('verify')
  .description(
    'check the audit logs of all tenants and of the platform against their chains of hashes; 1 where one is broken',
  )
  .option('--tenant <name>', 'only the log of this tenant')
  .option('--from <time>', 'entries from this time on', '2000-01-01T00:00:00Z')
  .option('--to <time>', 'entries before this time')
  .option('--anchor <number:hash>', 'a link that was written down elsewhere; with --tenant')
  .option('--json', 'one JSON object per log')
  .action(async (options: AuditVerifyOptions) => {
    const { verifyAudit } = await import('./commands/audit-verify.js');
    await verifyAudit(options);
  });

program
  .command('keys')
  .description('the master key')
  .command('rewrap')
  .description('bring what EFMS_MASTER_KEYS_ACCEPTED opens under EFMS_MASTER_KEY, after which the former can go')
  .action(async () => {
    const { rewrapKeys } = await import('./commands/keys-rewrap.js');
    await rewrapKeys();
  });

program
  .command('openapi')
  .description('print the OpenAPI document')
  .action(async () => {
    const { printOpenApi } = await import('./commands/openapi.js');
    await printOpenApi();
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`efms: ${describeStartFailure(error)}\n`);
  process.exitCode = 1;
}
