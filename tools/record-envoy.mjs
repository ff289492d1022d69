import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { renderBootstrap } from '../dist/infrastructure/bootstrap/render-bootstrap.js';
import { EnvoyApi } from '../dist/xds/envoy-api/index.js';
import { resourceTypeOf } from '../dist/xds/resource-types.js';
import { ADS_SERVICE, DISCOVERY_DEFINITION } from '../dist/xds/server/discovery-services.js';
import { GrpcStream } from '../dist/xds/server/grpc-stream.js';
import { ServerStats } from '../dist/xds/server/server-stats.js';
import { readDeltaRequest, readSotwRequest } from '../dist/xds/server/wire/discovery-request.js';
import { Reader } from '../dist/xds/server/wire/protobuf.js';
import { CompiledSnapshot, resourceVersion } from '../dist/xds/snapshots/compiled-snapshot.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration, upstreamTls } from '../test/kit/resources.ts';
import { ENVOY_VERSION, findEnvoy } from './envoy-binary.mjs';

/**
 * Records what a real Envoy says to EFMS's streams, and what they answer, into test/conformance/transcripts:
 *
 *     npm run record:envoy [-- 1.36.4]
 *
 * One file per Envoy and variant, with all scenarios. Versions and nonces stand as labels in the order of their first use, nodes are
 * left out; one is kept as it is, for the load client of `npm run bench:xds`. test/conformance/recorded.spec.ts says the requests again to the machines and compares the answers.
 */
const version = process.argv[2] ?? ENVOY_VERSION;
const binary = findEnvoy(version);
if (!binary) throw new Error(`no Envoy ${version}: npm run envoy:install -- ${version}`);

const api = EnvoyApi.load();
const IDENTITY = { tenantId: 't', proxyId: 'p', nodeId: 'recorded', credentialId: 'c', credentialEpoch: 1 };
const DEADLINE_MS = 60_000;
/** As the first request carried it, for the load client of the benchmarks. */
let node;

/** One scenario under way: a server that writes down what passes, and the Envoys that talk to it. */
class Recording {
  steps = [];
  snapshots = {};
  #compiled = { none: null };
  #labels = new Map();
  #counts = new Map();
  #streams = [];
  #assigned;
  #envoys = [];

  constructor(variant) {
    this.variant = variant;
  }

  async open() {
    this.port = await freePort();
    this.#server = new Server();
    const handler = (variant) => (call) => this.#take(call, variant);
    this.#server.addService(DISCOVERY_DEFINITION[ADS_SERVICE], {
      StreamAggregatedResources: handler('sotw'),
      DeltaAggregatedResources: handler('delta'),
    });
    await new Promise((resolve, reject) => {
      const address = `127.0.0.1:${this.port}`;
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }
  #server;

  async close() {
    for (const envoy of this.#envoys) await stop(envoy);
    this.#server.forceShutdown();
  }

  /** Assigns a snapshot document under a name; null for no assignment. */
  assign(name, document) {
    this.steps.push(['assign', name]);
    if (document) this.#add(name, document);
    this.#assigned = this.#compiled[name];
    for (const { served, isOver } of this.#streams) if (!isOver) served?.serve(this.#assigned);
  }

  async startEnvoy() {
    const [dir, adminPort] = [mkdtempSync(path.join(os.tmpdir(), 'efms-record-')), await freePort()];
    const bootstrap = renderBootstrap({
      proxy: {
        nodeId: IDENTITY.nodeId,
        cluster: null,
        locality: null,
        metadata: {},
        adminAddress: '127.0.0.1',
        adminPort,
      },
      xds: { host: '127.0.0.1', port: this.port },
      protocol: this.variant,
      token: 'any',
    });
    const file = path.join(dir, 'bootstrap.json');
    writeFileSync(file, JSON.stringify(bootstrap));
    const log = openSync(path.join(dir, 'envoy.log'), 'a');
    const args = ['-c', file, '--disable-hot-restart', '--concurrency', '1'];
    const child = spawn(binary, args, { stdio: ['ignore', log, log] });
    this.#envoys.push({ child, dir });
  }

  async killEnvoy() {
    await stop(this.#envoys.pop());
    await until('the end of its stream', () => this.#streams.at(-1).isOver);
  }

  /** Ends the newest stream, as a server that goes away. */
  breakStream() {
    const stream = this.#streams.at(-1);
    stream.converged = null;
    stream.served.end('unavailable', 'the server is shutting down');
  }

  /** Until the newest stream has all of what is assigned, and has said what it had to say. */
  async converged() {
    await until('convergence', () => this.#streams.at(-1)?.converged === this.#assigned.hash);
    await sleep(300);
  }

  async nacked() {
    await until('a NACK', () => this.#streams.at(-1)?.nacks > 0);
    await sleep(300);
  }

  async acked(kind) {
    await until(`an ACK of ${kind}`, () => this.#streams.at(-1)?.acked.has(kind));
    await sleep(300);
  }

  #add(name, document) {
    const { resources, findings, hash } = api.readSnapshot(document);
    if (resources.length === 0) throw new Error(`${name} is refused: ${JSON.stringify(findings)}`);
    this.#compiled[name] = new CompiledSnapshot(hash, resources);
    this.snapshots[name] = resources.map((resource) => ({
      kind: resource.kind,
      name: resource.name,
      version: this.#label(resource.name, '@', resource.version),
      children: resource.children.map((child) => `${child.kind}/${child.name}`),
    }));
  }

  #take(call, variant) {
    const stream = { number: this.#streams.length, served: null, acked: new Set(), nacks: 0, isOver: false };
    this.#streams.push(stream);
    this.steps.push(['open', stream.number]);
    const context = {
      authenticator: { authenticate: () => Promise.resolve(IDENTITY), refused: () => undefined },
      host: { attach: (served) => this.#attach(stream, served) },
      stats: new ServerStats(),
    };
    const recorded = this.#recording(call, stream);
    const over = () => {
      stream.isOver = true;
      this.steps.push(['close', stream.number]);
    };
    void new GrpcStream(recorded, { variant, kind: null }, context, over).open();
  }

  #attach(stream, served) {
    stream.served = served;
    if (this.#assigned !== undefined) served.serve(this.#assigned);
    const nothing = () => undefined;
    return {
      subscribed: nothing,
      sent: nothing,
      unmanaged: nothing,
      detached: nothing,
      acked: ({ kind }) => stream.acked.add(kind),
      nacked: () => stream.nacks++,
      converged: (hash) => (stream.converged = hash),
      diverged: () => (stream.converged = null),
    };
  }

  /** The call as a stream sees it. A write counts as written at once, so that what is recorded depends on no socket. */
  #recording(call, stream) {
    return {
      metadata: call.metadata,
      cancelled: call.cancelled,
      getPeer: () => call.getPeer(),
      emit: (event, value) => call.emit(event, value),
      end: () => call.end(),
      on: (event, listener) => {
        if (event !== 'data') return call.on(event, listener);
        return call.on('data', (frame) => {
          this.#request(stream.number, frame);
          listener(frame);
        });
      },
      write: (frame, done) => {
        this.#response(stream.number, frame);
        call.write(frame);
        process.nextTick(done);
      },
    };
  }

  #request(number, frame) {
    const request = this.variant === 'sotw' ? readSotwRequest(frame) : readDeltaRequest(frame);
    node ??= request.node && Buffer.from(request.node);
    const kind = resourceTypeOf(request.typeUrl)?.kind ?? request.typeUrl;
    const { errorDetail: error } = request;
    this.steps.push([
      'request',
      number,
      compact({
        kind,
        nonce: request.responseNonce && this.#label(`n${number}-`, '', request.responseNonce),
        names: request.resourceNames,
        version: request.versionInfo && this.#label(kind, '#', request.versionInfo),
        subscribe: request.subscribe,
        unsubscribe: request.unsubscribe,
        versions: Object.fromEntries(
          [...(request.initialResourceVersions ?? [])].map(([name, hash]) => [name, this.#label(name, '@', hash)]),
        ),
        error: error && error.message.slice(0, 60),
      }),
    ]);
  }

  #response(number, frame) {
    const read = readResponse(frame, this.variant);
    const resources = read.values.map(({ name, value }) => [
      name,
      this.#label(name, '@', resourceVersion(read.kind, value)),
    ]);
    this.steps.push([
      'response',
      number,
      compact({
        kind: read.kind,
        nonce: this.#label(`n${number}-`, '', read.nonce),
        version: this.variant === 'sotw' ? this.#label(read.kind, '#', read.version) : '',
        resources: Object.fromEntries(resources),
        removed: read.removed,
      }),
    ]);
  }

  /** A short name for a hash or nonce, numbered in the order of first use. */
  #label(of, mark, text) {
    const key = `${of}${mark}${text}`;
    let label = this.#labels.get(key);
    if (!label) {
      const count = (this.#counts.get(`${of}${mark}`) ?? 0) + 1;
      this.#counts.set(`${of}${mark}`, count);
      label = `${of}${mark}${count}`;
      this.#labels.set(key, label);
    }
    return label;
  }
}

/** Kind, version, nonce, removed names and resources of a response; every type served has its name in field 1. */
function readResponse(frame, variant) {
  const found = { kind: '', version: '', nonce: '', removed: [], values: [] };
  const reader = new Reader(frame);
  while (reader.next()) {
    if (reader.field === 1) found.version = reader.string(1000);
    else if (reader.field === 2) {
      const any = variant === 'sotw' ? reader.bytesField() : fieldOf(reader.bytesField(), 2);
      const value = fieldOf(any, 2);
      found.values.push({ name: fieldOf(value, 1).toString(), value });
    } else if (reader.field === 4) found.kind = resourceTypeOf(reader.string(1000)).kind;
    else if (reader.field === 5) found.nonce = reader.string(1000);
    else if (reader.field === 6) found.removed.push(reader.string(10_000));
    else reader.skip();
  }
  return found;
}

function fieldOf(message, field) {
  const reader = new Reader(message);
  while (reader.next()) {
    if (reader.field === field) return reader.bytesField();
    reader.skip();
  }
  return Buffer.alloc(0);
}

/** Without what is empty. */
function compact(object) {
  const isEmpty = (value) =>
    value === '' ||
    value === null ||
    value === undefined ||
    (typeof value === 'object' && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value)));
}

async function until(what, condition) {
  for (const deadline = Date.now() + DEADLINE_MS; !condition();) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stop({ child, dir }) {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(dir, { recursive: true, force: true });
}

const [listenerPort, upstreamPort] = [await freePort(), 9];
const document = ({ clusters = [edsCluster('c1')], to = 'c1', listener = 'l1', endpoints } = {}) => ({
  clusters,
  endpoints: endpoints ?? clusters.map(({ name }) => endpointSet(name, upstreamPort)),
  listeners: [httpListener(listener, listenerPort, 'r1')],
  routes: [routeConfiguration('r1', { '/': to })],
});
const slower = edsCluster('c1', { connect_timeout: '9s' });
const refused = edsCluster('c2', upstreamTls('/nonexistent/ca.pem'));

/** What is recorded. Each begins with an Envoy that never ran. */
const SCENARIOS = {
  start: (efms) => begin(efms),
  'late assignment': async (efms) => {
    efms.assign('none', null);
    await efms.startEnvoy();
    await efms.acked('listener');
    efms.assign('v1', document());
    await efms.converged();
  },
  'changed route': (efms) => begin(efms, document({ clusters: both(), to: 'c2' }), document({ clusters: both() })),
  'changed endpoints': (efms) => begin(efms, document({ endpoints: [endpointSet('c1', 9, 10)] })),
  'changed cluster, which warms': (efms) => begin(efms, document({ clusters: [slower] })),
  'cluster added, then the old one removed': (efms) =>
    begin(efms, document({ clusters: both(), to: 'c2' }), document({ clusters: [edsCluster('c2')], to: 'c2' })),
  'everything at once': (efms) =>
    begin(efms, document({ clusters: [slower, edsCluster('c2')], to: 'c2', listener: 'l2' })),
  'one of two clusters refused, then mended': async (efms) => {
    await begin(efms);
    efms.assign('refused', document({ clusters: [slower, refused], to: 'c2' }));
    await efms.nacked();
    efms.assign('mended', document({ clusters: both(), to: 'c2' }));
    await efms.converged();
  },
  'one of two clusters refused, then taken back': async (efms) => {
    await begin(efms);
    efms.assign('refused', document({ clusters: [slower, refused], to: 'c2' }));
    await efms.nacked();
    efms.assign('v1');
    await efms.converged();
  },
  'broken stream': async (efms) => {
    await begin(efms);
    efms.breakStream();
    await efms.converged();
  },
  'broken stream, and a change meanwhile': async (efms) => {
    await begin(efms);
    efms.breakStream();
    efms.assign('v2', document({ clusters: [slower], to: 'c1' }));
    await efms.converged();
  },
  restart: async (efms) => {
    await begin(efms);
    await efms.killEnvoy();
    await efms.startEnvoy();
    await efms.converged();
  },
};

function both() {
  return [edsCluster('c1'), edsCluster('c2')];
}

/** Starts on v1 and goes through the versions that follow, each to convergence. */
async function begin(efms, ...next) {
  efms.assign('v1', document());
  await efms.startEnvoy();
  await efms.converged();
  for (const [i, each] of next.entries()) {
    efms.assign(`v${i + 2}`, each);
    await efms.converged();
  }
}

for (const variant of ['sotw', 'delta']) {
  const transcripts = [];
  for (const [scenario, play] of Object.entries(SCENARIOS)) {
    const recording = new Recording(variant);
    await recording.open();
    try {
      await play(recording);
    } finally {
      await recording.close();
    }
    transcripts.push({ scenario, snapshots: recording.snapshots, steps: recording.steps });
    process.stdout.write(`${variant}: ${scenario}, ${recording.steps.length} steps\n`);
  }
  const file = new URL(`../test/conformance/transcripts/envoy-${version}-${variant}.json`, import.meta.url);
  writeFileSync(fileURLToPath(file), print({ envoy: version, variant, transcripts }));
}

if (version === ENVOY_VERSION) {
  writeFileSync(
    fileURLToPath(new URL('../bench/xds/envoy-node.binpb.gz', import.meta.url)),
    gzipSync(node, { level: 9 }),
  );
}

/** JSON with one step a line. */
function print({ envoy, variant, transcripts }) {
  const lines = (list) => list.map((each) => `        ${JSON.stringify(each)}`).join(',\n');
  const one = ({ scenario, snapshots, steps }) => {
    const sets = Object.entries(snapshots).map(
      ([name, set]) => `        ${JSON.stringify(name)}: ${JSON.stringify(set)}`,
    );
    return `    {\n      "scenario": ${JSON.stringify(scenario)},\n      "snapshots": {\n${sets.join(',\n')}\n      },\n      "steps": [\n${lines(steps)}\n      ]\n    }`;
  };
  return `{\n  "envoy": "${envoy}",\n  "variant": "${variant}",\n  "transcripts": [\n${transcripts.map(one).join(',\n')}\n  ]\n}\n`;
}
process.exit(0);
