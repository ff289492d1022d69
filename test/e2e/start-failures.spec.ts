import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/efms.mjs', import.meta.url));
const KEYS = {
  EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
  EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
};

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs the built server until it ends by itself. */
const start = (env: Record<string, string>): Promise<Outcome> => run([MAIN], env);

async function run(args: readonly string[], env: Record<string, string>): Promise<Outcome> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], EFMS_LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, stderr };
}

/** One sentence for people: a single line, no stack. */
function expectOneSentence(stderr: string): void {
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/^efms: /);
}

describe('a start that cannot succeed', () => {
  let database: TestDatabase;
  let dataDir: string;
  let blocker: net.Server;
  let blockedPort: string;
  let settings: Record<string, string>;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-start-'));
    blocker = net.createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    blockedPort = String((blocker.address() as net.AddressInfo).port);
    settings = {
      ...KEYS,
      EFMS_DATA_DIR: dataDir,
      DATABASE_URL: database.appUrl,
      DATABASE_SYSTEM_URL: database.systemUrl,
      EFMS_HTTP_PORT: '0',
      EFMS_XDS_PORT: '0',
    };
  });
  afterAll(async () => {
    blocker.close();
    rmSync(dataDir, { recursive: true });
    await database.drop();
  });

  it.each([['EFMS_HTTP_PORT'], ['EFMS_XDS_PORT']])('names the port of %s when it is in use', async (variable) => {
    const { code, stderr } = await start({ ...settings, [variable]: blockedPort });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(`port ${blockedPort} is in use`);
  });

  it.each([
    ['EFMS_HTTP_HOST', 'HTTP'],
    ['EFMS_XDS_HOST', 'xDS'],
  ])('names the address of %s when it is not one of this machine', async (variable, what) => {
    const { code, stderr } = await start({
      ...settings,
      EFMS_ALLOW_PLAINTEXT: '1',
      [variable]: 'no-such-host.invalid',
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(`Cannot listen for ${what} on no-such-host.invalid:0`);
  });

  it.each([
    ['a path below a file', path.join(MAIN, 'below-a-file'), 'ENOTDIR'],
    ['a file', MAIN, 'EEXIST'],
    // Where new folders are refused with ENOENT, mkdir with `recursive` tries for ever.
    ['a path in /proc', '/proc/nope/below', 'ENOENT'],
  ])('names EFMS_DATA_DIR when it is %s', async (_, EFMS_DATA_DIR, reason) => {
    for (const { code, stderr } of [
      await start({ ...settings, EFMS_DATA_DIR }),
      await run([BIN, 'db', 'migrate'], { EFMS_DATA_DIR }),
    ]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`^ {2}- EFMS_DATA_DIR: .*${reason}`, 'm'));
      expect(stderr).not.toMatch(/^ +at /m);
    }
  });

  it('says that the database cannot be reached', async () => {
    const nowhere = 'postgresql://efms_app:x@127.0.0.1:9/efms';
    const { code, stderr } = await start({ ...settings, DATABASE_URL: nowhere, DATABASE_SYSTEM_URL: nowhere });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toMatch(/database .*(cannot be reached|not available)/);
  });

  it('refuses a role that walks around row-level security', async () => {
    const { code, stderr } = await start({ ...settings, DATABASE_URL: database.adminUrl });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toMatch(/superuser/);
  });

  it('names every wrong variable', async () => {
    const { code, stderr } = await start({ ...settings, EFMS_HTTP_PORT: 'x', EFMS_LOG_LEVEL: 'loud' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/EFMS_HTTP_PORT: .*\n.*EFMS_LOG_LEVEL: /);
  });
});
