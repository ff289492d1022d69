import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { findEnvoy, findReleases, HOW_TO_GET_ENVOY, OLDER_ENVOY_VERSION } from '../../tools/envoy-binary.mjs';
import { eventually } from './eventually.js';

export { findEnvoy };

/**
 * The `describe` of a suite that needs a real Envoy. Without one the suite is skipped and says so on one line; with
 * ENVOY_REQUIRED=1 it fails instead.
 */
export function describeWithEnvoy(name: string, suite: () => void): void {
  if (findEnvoy() !== undefined) {
    describe(name, suite);
  } else if (process.env['ENVOY_REQUIRED'] === '1') {
    describe(name, () => {
      it('finds an Envoy, which ENVOY_REQUIRED=1 demands', () => {
        throw new Error(`no Envoy found: ${HOW_TO_GET_ENVOY}`);
      });
    });
  } else {
    process.stderr.write(`skipped "${name}", no Envoy found: ${HOW_TO_GET_ENVOY}\n`);
    describe.skip(name, suite);
  }
}

/**
 * The same for a suite that depends on Envoy's ways: once for each release that is found of the tested one and the older one. That the older
 * one is missing is only said.
 */
export function describeWithEnvoys(name: string, suite: (release: string) => void): void {
  const releases = findReleases();
  if (releases.length === 0) {
    describeWithEnvoy(name, () => suite(''));
    return;
  }
  if (!releases.includes(OLDER_ENVOY_VERSION)) {
    process.stderr.write(`"${name}" runs without Envoy ${OLDER_ENVOY_VERSION}, which is not installed\n`);
  }
  for (const release of releases) describe(`${name}, Envoy ${release}`, () => suite(release));
}

/** What the rendered start command adds to the command line of each new process. */
export function bootIdArgs(): readonly string[] {
  return ['--config-yaml', JSON.stringify({ node: { metadata: { 'efms.boot_id': randomUUID() } } })];
}

/** An Envoy that runs as a child of the test. */
export interface RunningEnvoy {
  readonly pid: number;
  readonly adminPort: number;
  /** What it has printed so far. */
  log(): string;
  /** `GET` of a path of the admin interface; throws unless it answers 200. */
  admin(path: string): Promise<string>;
  /** Whether it takes traffic: the initial configuration came, or the wait for it was given up. */
  isReady(): Promise<boolean>;
  ready(): Promise<void>;
  /** Counters and gauges by name. */
  stats(filter?: string): Promise<ReadonlyMap<string, number>>;
  /** What it serves now, endpoints included. */
  configuration(): Promise<EnvoyConfiguration>;
  /** All that it was given and has not let go, resource by resource with its content, warm or warming; without times and versions. */
  content(): Promise<EnvoyContent>;
  /** Settles when the process is gone, for whatever reason. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** The dynamic resources of an Envoy, by name: version and time of the last update that changed them. */
export interface EnvoyConfiguration {
  readonly listeners: Readonly<Record<string, Held>>;
  readonly routes: Readonly<Record<string, Held>>;
  readonly clusters: Readonly<Record<string, Held>>;
  readonly endpoints: Readonly<Record<string, Held>>;
}

interface Held {
  readonly version: string;
  readonly lastUpdated: string;
}

/** Resources as `/config_dump` shows them, by `state/type/name`. */
export type EnvoyContent = Readonly<Record<string, unknown>>;

/**
 * Starts the Envoy that `findEnvoy()` found and waits until its admin interface answers (not until it is ready: an Envoy may wait
 * for its first configuration). The caller stops it, best in `afterEach`.
 * @param bootstrap YAML or JSON text, or the document; must have an admin address
 * @param dir where the bootstrap and the log go; a temporary folder by default, removed by `stop`
 * @param args further command line arguments
 * @param release of the Envoy; the tested one by default
 */
export async function startEnvoy(options: {
  bootstrap: string | object;
  dir?: string;
  args?: readonly string[];
  release?: string;
}): Promise<RunningEnvoy> {
  const dir = options.dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'efms-envoy-'));
  const text = typeof options.bootstrap === 'string' ? options.bootstrap : stringify(options.bootstrap);
  const config = path.join(dir, 'bootstrap.yaml');
  fs.writeFileSync(config, text, { mode: 0o600 });
  const log = path.join(dir, 'envoy.log');
  const args = ['-c', config, '--disable-hot-restart', '--concurrency', '1', ...(options.args ?? [])];
  const output = fs.openSync(log, 'a');
  const child = spawn(binary(options.release), args, { stdio: ['ignore', output, output] });
  fs.closeSync(output);
  const envoy = new EnvoyProcess(child, adminPortOf(text), log, options.dir === undefined ? dir : undefined);
  const started = await eventually('the admin interface of Envoy', () => envoy.hasStarted(), 60).catch(() => false);
  if (started) return envoy;
  const said = envoy.log().slice(-4000);
  await envoy.kill();
  throw new Error(`Envoy did not start: ${said}`);
}

/** Runs `envoy --mode validate` on a bootstrap and answers the exit code and all it printed. */
export async function validateBootstrap(text: string): Promise<{ code: number | null; output: string }> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'efms-envoy-'));
  try {
    const config = path.join(dir, 'bootstrap.yaml');
    fs.writeFileSync(config, text, { mode: 0o600 });
    const child = spawn(binary(), ['--mode', 'validate', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (part: Buffer) => (output += part.toString()));
    child.stderr.on('data', (part: Buffer) => (output += part.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

function binary(release?: string): string {
  const found = findEnvoy(release);
  if (found === undefined) throw new Error(`no Envoy found: ${HOW_TO_GET_ENVOY}`);
  return found;
}

function adminPortOf(bootstrap: string): number {
  const document = parse(bootstrap) as {
    admin?: { address?: { socket_address?: { port_value?: number }; socketAddress?: { portValue?: number } } };
  };
  const address = document.admin?.address;
  const port = address?.socket_address?.port_value ?? address?.socketAddress?.portValue;
  if (port === undefined) throw new Error('the bootstrap has no admin address');
  return port;
}

class EnvoyProcess implements RunningEnvoy {
  readonly pid: number;
  readonly exited: Promise<unknown>;

  constructor(
    private readonly child: ChildProcess,
    readonly adminPort: number,
    private readonly logFile: string,
    private readonly temporary: string | undefined,
  ) {
    if (child.pid === undefined) {
      child.once('error', () => undefined);
      throw new Error('Envoy could not be started');
    }
    this.pid = child.pid;
    this.exited = once(child, 'exit');
  }

  log(): string {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8') : '';
  }

  async admin(target: string): Promise<string> {
    const { status, body } = await this.get(target);
    if (status !== 200) throw new Error(`GET ${target} of the admin interface: ${status} ${body.slice(0, 200)}`);
    return body;
  }

  /** True once the admin interface answers, false once the process has ended, undefined before either. */
  async hasStarted(): Promise<boolean | undefined> {
    if (this.hasExited()) return false;
    return (await this.get('/ready')).status > 0 ? true : undefined;
  }

  async isReady(): Promise<boolean> {
    return (await this.get('/ready')).status === 200;
  }

  async ready(): Promise<void> {
    await eventually('a ready Envoy', async () => ((await this.isReady()) ? true : undefined), 60);
  }

  async stats(filter = ''): Promise<ReadonlyMap<string, number>> {
    const text = await this.admin(`/stats?filter=${encodeURIComponent(filter)}`);
    const lines = text.split('\n').map((line) => /^(.+): (\d+)$/.exec(line));
    return new Map(lines.flatMap((match) => (match ? [[match[1]!, Number(match[2])] as const] : [])));
  }

  async configuration(): Promise<EnvoyConfiguration> {
    return readConfiguration(JSON.parse(await this.admin('/config_dump?include_eds')) as ConfigDump);
  }

  async content(): Promise<EnvoyContent> {
    return readContent(JSON.parse(await this.admin('/config_dump?include_eds')) as ConfigDump);
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.hasExited()) {
      this.child.kill(signal);
      const force = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
      await this.exited;
      clearTimeout(force);
    }
    if (this.temporary !== undefined) fs.rmSync(this.temporary, { recursive: true, force: true });
  }

  private hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Status 0 says that nobody listens. */
  private get(target: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      const options = { host: '127.0.0.1', port: this.adminPort, path: target, agent: false, timeout: 10_000 };
      const request = http.get(options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (body += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', (error) => resolve({ status: 0, body: error.message }));
      });
      request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
      request.on('error', (error) => resolve({ status: 0, body: error.message }));
    });
  }
}

interface Dumped {
  version_info?: string;
  last_updated?: string;
}

type DumpedListener = Dumped & { listener?: unknown };

interface ConfigDump {
  configs: {
    dynamic_listeners?: {
      name: string;
      active_state?: DumpedListener;
      warming_state?: DumpedListener;
    }[];
    dynamic_active_clusters?: (Dumped & { cluster: { name: string } })[];
    dynamic_warming_clusters?: (Dumped & { cluster: { name: string } })[];
    dynamic_route_configs?: (Dumped & { route_config: { name: string } })[];
    dynamic_endpoint_configs?: (Dumped & { endpoint_config: { cluster_name: string } })[];
  }[];
}

function readConfiguration(dump: ConfigDump): EnvoyConfiguration {
  const named = (entries: [string, Dumped][]): Record<string, Held> =>
    Object.fromEntries(
      entries.map(([name, held]) => [name, { version: held.version_info ?? '', lastUpdated: held.last_updated ?? '' }]),
    );
  const all = dump.configs;
  return {
    listeners: named(
      all.flatMap((c) => c.dynamic_listeners ?? []).flatMap((l) => (l.active_state ? [[l.name, l.active_state]] : [])),
    ),
    routes: named(all.flatMap((c) => c.dynamic_route_configs ?? []).map((r) => [r.route_config.name, r])),
    clusters: named(all.flatMap((c) => c.dynamic_active_clusters ?? []).map((c) => [c.cluster.name, c])),
    endpoints: named(
      all.flatMap((c) => c.dynamic_endpoint_configs ?? []).map((e) => [e.endpoint_config.cluster_name, e]),
    ),
  };
}

/** Sorted, because Envoy lists what it has in no order. A listener that drains is being let go. */
function readContent({ configs }: ConfigDump): EnvoyContent {
  const found: [string, unknown][] = [];
  for (const config of configs) {
    for (const { name, active_state: active, warming_state: warming } of config.dynamic_listeners ?? []) {
      if (active) found.push([`active/listener/${name}`, active.listener]);
      if (warming) found.push([`warming/listener/${name}`, warming.listener]);
    }
    for (const { route_config: it } of config.dynamic_route_configs ?? []) found.push([`active/route/${it.name}`, it]);
    for (const { cluster: it } of config.dynamic_active_clusters ?? []) found.push([`active/cluster/${it.name}`, it]);
    for (const { cluster: it } of config.dynamic_warming_clusters ?? []) found.push([`warming/cluster/${it.name}`, it]);
    for (const { endpoint_config: it } of config.dynamic_endpoint_configs ?? []) {
      found.push([`active/endpoint/${it.cluster_name}`, it]);
    }
  }
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
