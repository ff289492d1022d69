import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from '../demo/children.mjs';
import { freePortFrom } from '../demo/network.mjs';
import { makeVenv } from './python-venv.mjs';

/**
 * Asks a server of its own, on a fresh database, everything that its OpenAPI document allows and much that it does not, first as admin and
 * then without a credential; an answer of 5xx, one that the document does not declare, and anything taken that it forbids are failures:
 *
 *     npm run test:fuzz-api -- [--seconds 60] [--seed N]
 *
 * Schemathesis, a Python program under .cache, makes the requests. Exits 0 where it finds nothing, and prints a curl line for each finding.
 */
const SCHEMATHESIS = '4.32.5';
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'ignored_auth',
  'use_after_free',
  'ensure_resource_availability',
  'unsupported_method',
  'allow_header_conformance',
];
/** What a request may be refused with that breaks the document; 431 is that of an address of many kilobytes. */
const REFUSALS = [400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 422, 428, 429, 431, '5xx'];
/** Streams do not end, so that their answers cannot be looked at as a whole. */
const STREAMS = '^(Events_follow|Events_followDeployment)$';
/** The part of the time that the admin gets: nobody else gets far. */
const ADMIN_SHARE = 0.75;
const PATIENCE_MS = 120_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-fuzz-'));
const admin = { email: 'admin@efms.local', password: 'correct-horse-battery' };

let efms;
let child;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end(1));
try {
  const seconds = Number(options.seconds);
  if (!(seconds >= 2)) throw new Error('--seconds wants a number from 2 on');
  const st = installed();
  writeFileSync(
    path.join(folder, 'schemathesis.toml'),
    `[checks.negative_data_rejection]\nexpected-statuses = ${JSON.stringify(REFUSALS.map(String))}\n`,
  );
  efms = await startEfms();
  const asAdmin = await fuzz(st, 'as admin', seconds * ADMIN_SHARE, ['-H', `Authorization: Bearer ${await logIn()}`]);
  const asNobody = await fuzz(st, 'without a credential', seconds * (1 - ADMIN_SHARE), []);
  await end(asAdmin === 0 && asNobody === 0 ? 0 : 1);
} catch (error) {
  say(error.message);
  await end(1);
}

function installed() {
  const venv = path.join(root, '.cache', 'schemathesis', SCHEMATHESIS);
  const st = path.join(venv, 'bin', 'st');
  const whole = path.join(venv, 'whole');
  if (!existsSync(whole)) {
    makeVenv(venv, `schemathesis==${SCHEMATHESIS}`, say);
    writeFileSync(whole, '');
  }
  return st;
}

async function startEfms() {
  const [httpPort, xdsPort] = [await freePortFrom(18_280), await freePortFrom(18_480)];
  // The settings of the shell are for another EFMS than this one.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(EFMS_|DATABASE_)/.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    EFMS_HTTP_PORT: httpPort,
    EFMS_XDS_PORT: xdsPort,
    EFMS_DATA_DIR: path.join(folder, 'data'),
    EFMS_ADMIN_EMAIL: admin.email,
    EFMS_ADMIN_PASSWORD: admin.password,
    EFMS_LOG_LEVEL: 'warn',
  };
  const main = path.join(root, 'dist', 'main.js');
  const started = new Child('efms', process.execPath, ['--enable-source-maps', main], { folder, env });
  const url = `http://127.0.0.1:${httpPort}`;
  const deadline = Date.now() + PATIENCE_MS;
  while (!started.log.includes('EFMS is ready')) {
    if (Date.now() > deadline || started.process.exitCode !== null)
      throw new Error(`EFMS did not start:\n${started.log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, child: started };
}

async function logIn() {
  const response = await globalThis.fetch(`${efms.url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(admin),
  });
  return (await response.json()).accessToken;
}

/** Resolves to the exit code of one run. */
function fuzz(st, who, seconds, more) {
  say(`${who}, for ${Math.ceil(seconds)} seconds`);
  const args = [
    'run',
    `${efms.url}/openapi.json`,
    '--no-color',
    `--checks=${CHECKS.join(',')}`,
    `--exclude-operation-id-regex=${STREAMS}`,
    `--max-time=${Math.ceil(seconds)}`,
    '--request-timeout=60',
    '--continue-on-failure',
    '--generation-database=none',
    '--warnings=off',
    '--suppress-health-check=all',
    ...(options.seed === undefined ? [] : [`--seed=${options.seed}`]),
    ...more,
  ];
  child = spawn(st, args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => child.once('exit', (code) => resolve(code ?? 1)).once('error', reject));
}

async function end(code) {
  child?.kill('SIGTERM');
  await efms?.child.stop();
  const log = efms?.child.log ?? '';
  if (code !== 0 && log.includes('"level":"error"')) say(`what the server logged:\n${log}`);
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

function say(line) {
  process.stdout.write(`fuzz-api: ${line}\n`);
}
