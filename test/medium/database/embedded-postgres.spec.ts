import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { type EmbeddedDatabase, startEmbeddedDatabase } from '../../../src/common/database/embedded-database.js';
import { findHoles } from '../../../src/common/database/catalogue.js';
import { asRole, initialiseRoles, onDatabase, type Role } from '../../../src/common/database/roles.js';
import { migrate } from '../../../src/common/database/migrations.js';
import { Database } from '../../../src/common/database/database.js';
import {
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  startEmbeddedPostgres,
} from '../../../src/common/database/embedded-postgres.js';

const LAUNCHER = fileURLToPath(new URL('../../../src/common/database/embedded-postgres.ts', import.meta.url));

/** An EFMS of its own process, for the ends that one cannot bring on oneself. */
const PARENT = `
  import { startEmbeddedPostgres } from ${JSON.stringify(LAUNCHER)};
  const { pid } = await startEmbeddedPostgres({ dataDir: process.argv[1], durable: false });
  console.log(pid);
  if (process.argv[2] === 'exit') process.exit(0);
  setInterval(() => undefined, 1000);`;

describe('the embedded PostgreSQL', () => {
  let dataDir: string;
  const running: { stop(): Promise<void> }[] = [];
  const parents: ChildProcess[] = [];

  const start = async (options = {}): Promise<EmbeddedPostgres> => {
    const postgres = await startEmbeddedPostgres({ dataDir, durable: false, ...options });
    running.push(postgres);
    return postgres;
  };
  const startParent = async (...args: string[]): Promise<{ parent: ChildProcess; pid: number }> => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT, dataDir, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    });
    parents.push(parent);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    return { parent, pid: Number(line.toString()) };
  };
  const query = async (server: EmbeddedPostgres, sql: string): Promise<unknown[]> => {
    const { host, port, user, password } = server;
    const client = new pg.Client({ host, port, user, password, database: 'postgres' });
    await client.connect();
    const { rows } = await client.query<object>(sql);
    await client.end();
    return rows;
  };

  /** Making a cluster takes a second, copying one a tenth of it. */
  let pristine: string;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    pristine = mkdtempSync(path.join(tmpdir(), 'efms-embedded-'));
    await (await startEmbeddedPostgres({ dataDir: pristine, durable: false })).stop();
  });
  afterAll(() => rmSync(pristine, { recursive: true, force: true }));

  beforeEach(() => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'efms-embedded-'));
    execFileSync('cp', ['-a', `${pristine}/.`, dataDir]);
  });
  afterEach(async () => {
    for (const parent of parents.splice(0)) if (isAlive(parent.pid!)) parent.kill('SIGKILL');
    await Promise.all(running.splice(0).map((server) => server.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('starts, keeps its data over a restart and leaves neither process nor lock', async () => {
    const first = await start();
    await query(first, 'create table kept as select 1 as one');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    expect(existsSync(path.join(dataDir, 'efms.lock'))).toBe(false);
    expect(existsSync(path.join(dataDir, 'pg', 'postmaster.pid'))).toBe(false);
    const second = await start();
    expect(await query(second, 'select one from kept')).toEqual([{ one: 1 }]);
    expect(second.password).toBe(first.password);
    expect(second.port).toBeLessThan(32_768);
    await second.stop();
  });

  it('keeps cluster and password from other users', async () => {
    await start();
    const modeOf = (...parts: string[]): number => statSync(path.join(dataDir, ...parts)).mode & 0o777;
    expect([modeOf('pg'), modeOf('keys'), modeOf('keys', 'postgres')]).toEqual([0o700, 0o700, 0o600]);
  });

  it('asks for the password, works in UTC and is reached from this machine only', async () => {
    const server = await start();
    await expect(query({ ...server, password: 'wrong' }, 'select 1')).rejects.toThrow(/password authentication failed/);
    const settings = `select name, setting from pg_settings where name in ('listen_addresses', 'TimeZone', 'unix_socket_directories') order by name`;
    expect(await query(server, settings)).toEqual([
      { name: 'TimeZone', setting: 'UTC' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'unix_socket_directories', setting: '' },
    ]);
  });

  it('refuses a directory that another EFMS uses, in this process or another', async () => {
    const server = await start();
    await expect(start()).rejects.toThrow(/another EFMS is using this data directory/);
    await server.stop();
    const { parent, pid } = await startParent();
    await expect(start()).rejects.toThrow(/another EFMS is using this data directory/);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await untilGone(pid);
  });

  it('ends with its process when that is killed, and starts again after', async () => {
    const { parent, pid } = await startParent();
    parent.kill('SIGKILL');
    await untilGone(pid);
    const server = await start();
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('ends with its process when that exits without stopping it', async () => {
    const { parent, pid } = await startParent('exit');
    if (parent.exitCode === null) await once(parent, 'exit');
    await untilGone(pid);
    expect(existsSync(path.join(dataDir, 'efms.lock'))).toBe(false);
  });

  it('ends the server of an EFMS that is gone and takes its place', async () => {
    const orphan = await start();
    // As left by a killed EFMS where the system has no parent-death signal: a live server, and a lock of a dead process.
    writeFileSync(path.join(dataDir, 'efms.lock'), '999999999\n1\n');
    const server = await start();
    expect(isAlive(orphan.pid)).toBe(false);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts over a pid file whose process is dead or somebody else', async () => {
    await (await start()).stop();
    for (const pid of [999_999_999, process.pid]) {
      writeFileSync(path.join(dataDir, 'pg', 'postmaster.pid'), `${pid}\n${path.join(dataDir, 'pg')}\n`);
      await (await start()).stop();
    }
  });

  it('starts over a first start that was cut off', async () => {
    rmSync(path.join(dataDir, 'pg'), { recursive: true });
    mkdirSync(path.join(dataDir, 'pg.partial', 'base'), { recursive: true });
    writeFileSync(path.join(dataDir, 'pg.partial', 'PG_VERSION'), '18\n');
    expect(await query(await start(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(path.join(dataDir, 'pg.partial'))).toBe(false);
  });

  it('says that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(start({ port })).rejects.toThrow(
      new EmbeddedPostgresError(`port ${port} of 127.0.0.1 is taken; PostgreSQL cannot listen there`),
    );
    other.close();
    await expect(start()).resolves.toBeDefined();
  });

  it('hands over what the server logs', async () => {
    const lines: string[] = [];
    await start({ onLog: (line: string) => lines.push(line) });
    expect(lines.some((line) => line.includes('ready to accept connections'))).toBe(true);
  });

  it('takes roles and database from an administrator who is no superuser', async () => {
    const server = await start();
    await query(server, `create role admin login createdb createrole password 'admin'`);
    const adminUrl = `postgresql://admin:admin@${server.host}:${server.port}/postgres`;
    const passwords = { efms_owner: 'a', efms_app: 'b', efms_system: 'c' };
    await initialiseRoles(adminUrl, { database: 'managed', passwords });
    await initialiseRoles(adminUrl, { database: 'managed', passwords });
    const urlOf = (role: Role): string => asRole(onDatabase(adminUrl, 'managed'), role, passwords[role]);
    await migrate({ ownerUrl: urlOf('efms_owner') });
    const database = await Database.open({ appUrl: urlOf('efms_app'), systemUrl: urlOf('efms_system'), entities: [] });
    const holes = await findHoles((sql, params) => database.system((tx) => tx.query(sql, params)));
    await database.close();
    expect(holes).toEqual([]);
  });

  it('becomes the database of EFMS, with the same credentials at every start', async () => {
    const first: EmbeddedDatabase = await startEmbeddedDatabase({ dataDir, durable: false });
    running.push(first);
    await migrate({ ownerUrl: first.ownerUrl });
    const database = await Database.open({ appUrl: first.appUrl, systemUrl: first.systemUrl, entities: [] });
    expect(await database.ping()).toBe(true);
    await first.stop();
    expect(await database.ping()).toBe(false);
    const port = new URL(first.appUrl).port;
    const second = await startEmbeddedDatabase({ dataDir, durable: false, port: Number(port) });
    running.push(second);
    expect(second.appUrl).toBe(first.appUrl);
    expect(await database.ping()).toBe(true);
    await database.close();
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
