/**
 * The part of deploy/try-compose.sh that talks to EFMS: logs in, registers a proxy, brings its bootstrap to the Envoy of the given
 * checkout, deploys, and sends requests through, also while one of the two replicas is away.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Api } from '../demo/api.mjs';
import { commit, deploy, deployed } from '../demo/fleet.mjs';
import { ask, until } from '../demo/network.mjs';
import { heading, say, show } from '../demo/say.mjs';

/** Seconds; a busy machine starts slowly. */
const PATIENCE = 300;
const [checkout] = process.argv.slice(2);
const url = (variable, port) => `http://127.0.0.1:${process.env[variable] ?? port}`;
const replicas = [url('EFMS_1_PORT', 8080), url('EFMS_2_PORT', 8081)];
const envoy = `${url('ENVOY_PORT', 10000)}/`;

heading('Both replicas are ready');
for (const replica of replicas) {
  await until(replica, () => isReady(replica), PATIENCE);
  say(`  ${replica}`);
}
const [login, password] = announced();

heading('A proxy, its bootstrap and its first configuration, through the first replica');
const first = new Api(replicas[0], checkout);
await first.logIn(login, password);
await first.call('PUT', '/proxies/name:edge-1', { nodeId: 'edge-1', labels: { role: 'edge' } });
const { bootstrap } = await first.call('POST', '/proxies/name:edge-1/credentials', {});
writeFileSync(path.join(checkout, 'bootstrap.yaml'), bootstrap, { mode: 0o600 });
copyFileSync(path.join(checkout, 'bootstrap.yaml'), path.join(checkout, 'deploy/envoy/bootstrap.yaml'));
chmodSync(path.join(checkout, 'deploy/envoy/bootstrap.yaml'), 0o644);
await first.call('POST', '/configurations', { name: 'edge' });
await commit(first, null, 'one', snapshot('one'));
const deployment = await deploy(first, 1);

heading('The Envoy');
say(compose('--profile envoy up -d envoy'));
await deployed(first, deployment);
await answers('one');

heading('The first replica goes, a change comes through the second');
say(compose('stop efms-1'));
const second = new Api(replicas[1], checkout);
await second.logIn(login, password);
await commit(second, 1, 'two', snapshot('two'));
await deployed(second, await deploy(second, 2));
await answers('two');

heading('The first replica comes back');
say(compose('up -d'));
await until(replicas[0], () => isReady(replicas[0]), PATIENCE);
await first.logIn(login, password);
const { converged } = await first.look('/proxies/name:edge-1/sync');
if (converged !== true) throw new Error('the first replica does not see the proxy converged');
say('  and sees the proxy converged');

async function isReady(replica) {
  const signal = globalThis.AbortSignal.timeout(5000);
  return (await globalThis.fetch(`${replica}/health/ready`, { signal })).ok;
}

async function answers(text) {
  await until(`the answer "${text}"`, async () => (await ask(envoy, 1))[text]);
  show(`curl -s ${envoy}`);
  say(`  ${text}`);
}

function compose(args) {
  show(`docker compose ${args}`);
  const command = `${process.env.COMPOSE} ${args} 2>&1`;
  return execFileSync('sh', ['-c', command], { cwd: checkout, encoding: 'utf8' }).trimEnd();
}

/** E-mail and password of the first login, as the log of the replica that made them has them. */
function announced() {
  const log = execFileSync('sh', ['-c', `${process.env.COMPOSE} logs --no-color efms-1 efms-2`], {
    cwd: checkout,
    encoding: 'utf8',
  });
  const found = ['login', 'password'].map((word) => new RegExp(` ${word} +(\\S+)`).exec(log)?.[1]);
  if (found.includes(undefined)) throw new Error(`no login was announced:\n${log}`);
  return found;
}

function snapshot(text) {
  const type = (name) => `type.googleapis.com/envoy.extensions.filters.${name}`;
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: text } } }];
  const manager = {
    '@type': type('network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'edge',
    route_config: { name: 'edge', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': type('http.router.v3.Router') } }],
  };
  const address = { socket_address: { address: '0.0.0.0', port_value: 10000 } };
  return {
    listeners: [{ name: 'edge', address, filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
  };
}
