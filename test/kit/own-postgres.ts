import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { type EmbeddedDatabase, startEmbeddedDatabase } from '../../src/common/database/embedded-database.js';
import { migrate } from '../../src/common/database/migrations.js';
import { onDatabase } from '../../src/common/database/roles.js';
import type { TestDatabase } from './database.js';
import { freePort } from './ports.js';

/** A PostgreSQL of one test's own, which can be stopped and started again on the same port. */
export class OwnPostgres {
  private running: EmbeddedDatabase | undefined;

  private constructor(
    private readonly dataDir: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-own-postgres-'));
    const postgres = new OwnPostgres(dataDir, await freePort());
    await postgres.up();
    await migrate({ ownerUrl: postgres.server.ownerUrl });
    return postgres;
  }

  async up(): Promise<void> {
    this.running = await startEmbeddedDatabase({ dataDir: this.dataDir, port: this.port, durable: false });
  }

  async down(): Promise<void> {
    await this.running?.stop();
    this.running = undefined;
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    await this.down();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** As `startEfms` and `spawnEfms` take it. */
  get database(): TestDatabase {
    const { appUrl, systemUrl, ownerUrl, server } = this.server;
    const { user, password, host, port } = server;
    const adminUrl = onDatabase(`postgresql://${user}:${password}@${host}:${port}/postgres`, 'efms');
    return {
      name: 'efms',
      adminUrl,
      ownerUrl,
      appUrl,
      systemUrl,
      open: () => Promise.reject(new Error('open a Database on its URLs')),
      sql: (text, params) => query(adminUrl, text, params),
      drop: () => this.stop(),
    };
  }

  private get server(): EmbeddedDatabase {
    if (!this.running) throw new Error('PostgreSQL is stopped');
    return this.running;
  }
}

async function query<T extends pg.QueryResultRow>(
  url: string,
  text: string,
  params: readonly unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, [...params])).rows;
  } finally {
    await client.end();
  }
}
