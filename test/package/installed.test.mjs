// `npm run test:package`: packs EFMS, installs the tarball into an empty folder as a user would, and starts it there. Not part of
// `npm test`, since it installs all dependencies anew from the registry.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { clearTimeout, setTimeout } from 'node:timers';
import { promisify } from 'node:util';

const run = promisify(execFile);
const START_LIMIT_MS = 60_000;

describe('the packed EFMS, installed into an empty folder', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-installed-'));
  const home = path.join(folder, 'app');
  // Without what npm tells the scripts that it runs, and without this repository's executables.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(?!config_)|EFMS_|DATABASE_|NODE_OPTIONS)/.test(name)),
  );
  env.PATH = (env.PATH ?? '')
    .split(path.delimiter)
    .filter((entry) => !entry.includes('node_modules'))
    .join(path.delimiter);

  before(async () => {
    await run('npm', ['pack', '--pack-destination', folder], { env });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    await run('npm', ['install', '--prefix', home, '--no-audit', '--no-fund', path.join(folder, tarball)], { env });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('serves after `npx efms start`, and stops at SIGTERM with its database', async () => {
    await startAndStop('npx', ['efms', 'start']);
  });

  it('serves when started by path, on whatever Node this machine has', async () => {
    await startAndStop(path.join(home, 'node_modules', '.bin', 'efms'), ['start']);
  });

  async function startAndStop(command, args) {
    const dataDir = mkdtempSync(path.join(folder, 'data-'));
    const child = spawn(command, args, {
      cwd: home,
      env: { ...env, EFMS_DATA_DIR: dataDir, EFMS_HTTP_PORT: '0', EFMS_XDS_PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, for npx does not pass every signal on.
      detached: true,
    });
    const closed = once(child, 'close');
    try {
      const printed = await untilReady(child);
      const url = /^ {2}API {6}(\S+)\/api\/v1$/m.exec(printed)[1];
      const password = /^ {2}password (\S+)/m.exec(printed)[1];
      assert.equal((await globalThis.fetch(`${url}/health/ready`)).status, 200);
      const login = await globalThis.fetch(`${url}/api/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'admin@efms.local', password }),
      });
      assert.equal(login.status, 200);
    } finally {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGTERM');
      // The pipes close when the last process that holds them has ended.
      await closed;
    }
    assert.equal(existsSync(path.join(dataDir, 'efms.lock')), false);
    assert.equal(existsSync(path.join(dataDir, 'pg', 'postmaster.pid')), false);
  }
});

/** @returns what the server printed, once it has told where it listens and how to log in */
function untilReady(child) {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (reason) => reject(new Error(`EFMS ${reason}:\n${printed}`));
    const clock = setTimeout(() => fail('was not ready in time'), START_LIMIT_MS);
    const listen = (chunk) => {
      printed += chunk.toString();
      if (!/^ {2}password \S+/m.test(printed)) return;
      clearTimeout(clock);
      resolve(printed);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', (error) => fail(`did not start (${error.message})`));
    child.once('exit', (code) => {
      clearTimeout(clock);
      fail(`exited with ${code}`);
    });
  });
}
