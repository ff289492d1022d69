import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOf, memoryOf } from '../kit/cpu.ts';
import { Efms, type Place, type StartOptions } from '../kit/place.ts';
import { now } from './client/clock.ts';
import type { Address } from './client/dial.ts';
import type { Held } from './client/fleet.ts';
import { type Kind, KINDS } from './client/requests.ts';
import { type Change, changed, type Snapshot } from './documents.ts';
import type { Entry, Proxies, Proxy } from './proxies.ts';
import type { Side } from './side.ts';

let made = 0;
let stored = 0;

const PATIENCE_MS = 120_000;

/** EFMS as a process of its own, with versions of one configuration that are given to the first so many proxies. */
export class EfmsSide implements Side {
  readonly name = 'efms';
  readonly efms: Efms;
  readonly address: Address;
  readonly proxies: readonly Proxy[];
  readonly configuration: string;
  /** What was committed last. */
  snapshot: Snapshot;
  private readonly fleet: Proxies;
  private readonly hashes: string[] = [];
  private head: number | null = null;
  private serving = '';

  private constructor(efms: Efms, fleet: Proxies, snapshot: Snapshot, streams: number) {
    this.efms = efms;
    this.fleet = fleet;
    made += 1;
    // New in every run: a proxy whose new processes were sent the same snapshot twice looks like one that it brings down.
    this.snapshot = changed(snapshot, 'all', made * 1000);
    this.address = { port: efms.xdsPort };
    this.proxies = fleet.all.slice(0, streams);
    this.configuration = `bench-${made}`;
  }

  /** Starts it, and assigns the snapshot to the proxies. */
  static async start(
    place: Place,
    fleet: Proxies,
    { streams, snapshot, ...options }: { streams: number; snapshot: Snapshot } & StartOptions,
  ): Promise<EfmsSide> {
    return EfmsSide.on(await Efms.start(place, options), fleet, { streams, snapshot });
  }

  /** The same on one that runs, which is not to be stopped with it. */
  static async on(
    efms: Efms,
    fleet: Proxies,
    { streams, snapshot }: { readonly streams: number; readonly snapshot: Snapshot },
  ): Promise<EfmsSide> {
    const side = new EfmsSide(efms, fleet, snapshot, streams);
    await side.call('POST', '/configurations', { name: side.configuration });
    await side.commit(side.snapshot);
    await side.push();
    return side;
  }

  async prepare(changes: readonly Change[]): Promise<void> {
    for (const change of changes) await this.commit(this.next(change));
  }

  push(): Promise<number> {
    const hash = this.hashes.shift();
    if (hash === undefined) throw new Error('nothing is prepared');
    this.serving = hash;
    return this.fleet.assign(
      this.proxies.map(() => hash),
      now,
    );
  }

  /** Commits a change over the API and deploys it to all proxies at once. */
  async deploy(change: Change): Promise<{ readonly id: string; readonly at: number }> {
    const at = now();
    await this.commit(this.next(change));
    this.serving = this.hashes.shift() ?? '';
    const { id } = await this.call<{ id: string }>('POST', '/deployments', {
      configuration: `name:${this.configuration}`,
      version: this.head,
      targets: { proxies: this.proxies.map((proxy) => proxy.id) },
      strategy: { type: 'immediate' },
    });
    return { id, at };
  }

  /** Waits until a deployment has succeeded. */
  async deploymentEnd(id: string): Promise<void> {
    await until(`the end of deployment ${id}`, async () => {
      const { status } = await this.call<{ status: string }>('GET', `/deployments/${id}?limit=1`);
      if (status === 'halted' || status === 'aborted') throw new Error(`the deployment was ${status}`);
      return status === 'succeeded';
    });
  }

  /** What all proxies have once they are up to date. */
  async held(): Promise<Held> {
    const resources = await this.entries(this.serving);
    const of = (kind: Kind): [string, string][] =>
      resources.filter((each) => each.kind === kind).map(({ name, version }) => [name, version]);
    return Object.fromEntries(KINDS.map((kind) => [kind, of(kind)]));
  }

  /** Stores a snapshot as the only version of a configuration. @returns what it is made of */
  async store(snapshot: Snapshot): Promise<readonly Entry[]> {
    stored += 1;
    const name = `stored-${stored}`;
    await this.call('POST', '/configurations', { name });
    return this.entries(await this.commitTo(name, null, snapshot));
  }

  databaseTime(): Promise<string> {
    return this.fleet.value('select clock_timestamp()::text as value', []);
  }

  /** Waits until streams of all proxies that were opened since then have all that is assigned, as the ledger knows it. */
  async converged(since: string): Promise<void> {
    const sql = `select count(*)::integer as value from xds_streams
                  where connected_at > $1 and ended_at is null and converged_hash = $2`;
    await until('convergence', async () => {
      return (await this.fleet.value<number>(sql, [since, this.serving])) >= this.proxies.length;
    });
  }

  /** With the CA to trust, where EFMS speaks TLS. */
  async secureAddress(): Promise<Address> {
    const target = `/proxies/${this.proxies[0]?.id ?? ''}/bootstrap?format=json`;
    const ca = /"trusted_ca":\{"inline_string":("[^"]+")/.exec(JSON.stringify(await this.call('GET', target)))?.[1];
    return ca === undefined ? this.address : { ...this.address, ca: JSON.parse(ca) as string };
  }

  cpu(): number {
    return cpuOf(this.efms.pid);
  }

  async refusals(): Promise<Readonly<Record<string, number>>> {
    const text = await (await fetch(`http://127.0.0.1:${this.efms.port}/metrics`)).text();
    const found = text.matchAll(/^efms_xds_(?:refusals|turned_away)_total\{.*reason="(\w+)".*\} ([1-9]\d*)$/gm);
    return Object.fromEntries([...found].map(([, reason = '', count]) => [reason, Number(count)]));
  }

  memory(): number {
    return memoryOf(this.efms.pid);
  }

  stop(): Promise<void> {
    return this.efms.stop();
  }

  private next(change: Change): Snapshot {
    this.snapshot = changed(this.snapshot, change, made * 1000 + (this.head ?? 0));
    return this.snapshot;
  }

  private async commit(snapshot: Snapshot): Promise<void> {
    this.hashes.push(await this.commitTo(this.configuration, this.head, snapshot));
    this.head = (this.head ?? 0) + 1;
  }

  /** @returns the hash of the snapshot */
  private async commitTo(configuration: string, expectedHead: number | null, snapshot: Snapshot): Promise<string> {
    const body = { branch: 'main', expectedHead, message: '', snapshot };
    const { id } = await this.call<{ id: string }>('POST', `/configurations/name:${configuration}/versions`, body);
    return this.fleet.value<string>('select snapshot_hash as value from configuration_versions where id = $1', [id]);
  }

  private entries(hash: string): Promise<readonly Entry[]> {
    return this.fleet.value('select resources as value from snapshots where hash = $1', [hash]);
  }

  private call<T>(method: string, target: string, body?: unknown): Promise<T> {
    return this.efms.call<T>(method, target, { body, as: this.fleet.tenant.credentials[1] });
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await sleep(50);
  }
}
