/**
 * EFMS from nothing to a change that arrives in a real Envoy, every step shown:
 *
 *     npm run demo               leaves all running until Ctrl-C
 *     npm run demo -- --once     ends by itself; exit code 0 says that the change arrived
 *
 * Everything it writes is in one temporary folder, gone at the end.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEnvoy } from '../tools/envoy-binary.mjs';
import { Api, shortened } from './api.mjs';
import { Child } from './children.mjs';
import { snapshot } from './configuration.mjs';
import { commit, deploy, deployed } from './fleet.mjs';
import { ask, freePortFrom, startUpstream, until } from './network.mjs';
import { heading, say, show } from './say.mjs';

/** How many requests one look at who answers takes. */
const REQUESTS = 40;
const root = fileURLToPath(new URL('..', import.meta.url));
const once = process.argv.includes('--once');
const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-demo-'));
const running = [];

let ending;
const end = (code) => (ending ??= shutDown().finally(() => process.exit(code)));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end(once ? 1 : 0));

try {
  await play();
  if (once) await end(0);
} catch (error) {
  if (!ending) process.stderr.write(`\ndemo: ${error.message}\n`);
  await end(1);
}

async function play() {
  heading('A real Envoy');
  const envoyBinary = installedEnvoy();
  say(`  ${envoyBinary}`);

  heading('EFMS with an embedded PostgreSQL');
  const admin = { email: 'admin@efms.local', password: `demo-${randomBytes(9).toString('base64url')}` };
  const efms = await startEfms(admin);
  say(`  ready: API ${efms.url}/api/v1, xDS 127.0.0.1:${efms.xdsPort}`);

  heading('Two services');
  const upstreams = [keep(await startUpstream('blue')), keep(await startUpstream('green'))];
  for (const { name, port } of upstreams) say(`  ${name} on 127.0.0.1:${port}`);

  heading('Log in and register a proxy');
  const api = new Api(efms.url, folder);
  await api.logIn(admin.email, admin.password);
  await api.call('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1', labels: { role: 'edge' } });
  const credential = await api.call('POST', '/proxies/name:edge-1/credentials', {});
  show(`export PROXY_TOKEN=${shortened(credential.token)}`);

  heading('Version 1: all requests go to blue');
  const port = await freePortFrom(10_000);
  await api.call('POST', '/configurations', { name: 'edge' });
  await commit(api, null, 'All to blue', snapshot({ port, upstreams, weights: { blue: 100 } }));
  const first = await deploy(api, 1);

  heading('Start Envoy with the bootstrap that EFMS renders, the token in its place');
  const adminPort = await freePortFrom(9901);
  await startEnvoy(envoyBinary, { api, credential, adminPort });
  await deployed(api, first);
  const url = `http://127.0.0.1:${port}/`;
  await until('the answer of blue', () => ask(url, 1));
  const before = await askAndShow(url);
  if (before.blue !== REQUESTS) throw new Error('version 1 sends all to blue, but others answered');

  heading('Version 2: blue and green share the requests');
  await commit(api, 1, 'Half to green', snapshot({ port, upstreams, weights: { blue: 50, green: 50 } }));
  await deployed(api, await deploy(api, 2));
  await until('the first answer of green', async () => (await ask(url, 20)).green);
  const after = await askAndShow(url);
  if (!after.blue || !after.green) throw new Error('the change did not arrive: one of the two never answered');
  say('  The change arrived, without a restart of anything.');

  if (!once) invite({ efms, admin, url, adminPort });
}

function installedEnvoy() {
  const found = findEnvoy();
  if (found) return found;
  const install = path.join(root, 'tools', 'install-envoy.mjs');
  const { status } = spawnSync(process.execPath, [install], { stdio: 'inherit', cwd: root });
  const installed = status === 0 ? findEnvoy() : undefined;
  if (installed) return installed;
  throw new Error('there is no Envoy to show; the line above says how to get one');
}

async function startEfms({ email, password }) {
  if (!existsSync(path.join(root, 'node_modules'))) throw new Error('run `npm ci` first');
  const build = spawnSync('npm', ['run', '-s', 'build'], { cwd: root, stdio: 'inherit' });
  if (build.status !== 0) throw new Error('EFMS could not be built');
  const [httpPort, xdsPort] = [await freePortFrom(18_080), await freePortFrom(18_000)];
  // The settings of the shell are for another EFMS than this one.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(EFMS_|DATABASE_)/.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    EFMS_HTTP_PORT: httpPort,
    EFMS_XDS_PORT: xdsPort,
    EFMS_DATA_DIR: path.join(folder, 'data'),
    EFMS_ADMIN_EMAIL: email,
    EFMS_ADMIN_PASSWORD: password,
  };
  const main = path.join(root, 'dist', 'main.js');
  const child = keep(new Child('efms', process.execPath, ['--enable-source-maps', main], { folder, env }));
  const url = `http://127.0.0.1:${httpPort}`;
  await untilServing(child, `${url}/health/ready`);
  return { url, xdsPort };
}

async function startEnvoy(binary, { api, credential, adminPort }) {
  const query = `format=yaml&protocol=delta&adminPort=${adminPort}`;
  const fill = ` | sed "s/EFMS_TOKEN/$PROXY_TOKEN/" > ${folder}/bootstrap.yaml`;
  const rendered = await api.call('GET', `/proxies/name:edge-1/bootstrap?${query}`, undefined, fill);
  writeFileSync(path.join(folder, 'bootstrap.yaml'), rendered.replaceAll('EFMS_TOKEN', credential.token), {
    mode: 0o600,
  });
  const start = `${credential.startCommand.replace(/^envoy/, () => `'${binary}'`)} --disable-hot-restart --concurrency 1`;
  show(`cd ${folder} && ${start}`);
  const child = keep(new Child('envoy', 'sh', ['-c', `exec ${start}`], { folder }));
  await untilServing(child, `http://127.0.0.1:${adminPort}/ready`);
}

async function untilServing(child, url) {
  await until(`${child.name} at ${url}`, async () => (await globalThis.fetch(url)).ok);
}

async function askAndShow(url) {
  show(`for i in $(seq ${REQUESTS}); do curl -s ${url}; done | sort | uniq -c`);
  const answers = await ask(url, REQUESTS);
  for (const [name, count] of Object.entries(answers).sort()) say(`  ${String(count).padStart(4)} ${name}`);
  return answers;
}

function invite({ efms, admin, url, adminPort }) {
  const login = `'${JSON.stringify(admin)}'`;
  heading('All of it keeps running until Ctrl-C. To try:');
  say(`  Swagger UI    ${efms.url}/docs   (log in as ${admin.email}, password ${admin.password})`);
  say(`  through Envoy ${url}`);
  say(`  Envoy admin   http://127.0.0.1:${adminPort}/`);
  say(`  logs          ${folder}`);
  say('  in another shell:');
  show(`export EFMS=${efms.url}/api/v1`);
  show(
    `export TOKEN=$(curl -s $EFMS/auth/login -H 'content-type: application/json' -d ${login} | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
  );
  show('curl -s $EFMS/proxies/name:edge-1 -H "authorization: Bearer $TOKEN"');
}

/** Remembers what is to be stopped, last first. */
function keep(started) {
  running.unshift(started);
  void started.exited?.then(() => {
    if (ending) return;
    process.stderr.write(`\ndemo: ${started.name} ended:\n${started.log.slice(-3000)}\n`);
    void end(1);
  });
  return started;
}

async function shutDown() {
  say('\nStopping everything.');
  for (const one of running) await one.stop();
  rmSync(folder, { recursive: true, force: true });
}
