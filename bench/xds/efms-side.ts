import { cpuOf, memoryOf } from '../kit/cpu.ts';
import { Efms, type Place, type StartOptions } from '../kit/place.ts';
import { now } from './client/clock.ts';
import type { Address } from './client/dial.ts';
import { type Change, changed, type Snapshot } from './documents.ts';
import type { Proxies, Proxy } from './proxies.ts';
import type { Side } from './side.ts';

let made = 0;

/** EFMS as a process of its own, with versions of one configuration that are given to the first so many proxies. */
export class EfmsSide implements Side {
  readonly name = 'efms';
  readonly efms: Efms;
  readonly address: Address;
  readonly proxies: readonly Proxy[];
  readonly configuration: string;
  private readonly fleet: Proxies;
  private readonly hashes: string[] = [];
  private snapshot: Snapshot;
  private head: number | null = null;

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
    const side = new EfmsSide(await Efms.start(place, options), fleet, snapshot, streams);
    await side.call('POST', '/configurations', { name: side.configuration });
    await side.commit(side.snapshot);
    await side.push();
    return side;
  }

  /** Number of the newest version. */
  get version(): number {
    return this.head ?? 0;
  }

  async prepare(changes: readonly Change[]): Promise<void> {
    for (const change of changes) await this.commit(this.next(change));
  }

  push(): Promise<number> {
    const hash = this.hashes.shift();
    if (hash === undefined) throw new Error('nothing is prepared');
    return this.fleet.assign(this.proxies.length, hash, now);
  }

  cpu(): number {
    return cpuOf(this.efms.pid);
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
    const body = { branch: 'main', expectedHead: this.head, message: '', snapshot };
    const target = `/configurations/name:${this.configuration}/versions`;
    const { id, number } = await this.call<{ id: string; number: number }>('POST', target, body);
    this.head = number;
    const sql = 'select snapshot_hash as value from configuration_versions where id = $1';
    this.hashes.push(await this.fleet.value<string>(sql, [id]));
  }

  private call<T>(method: string, target: string, body: unknown): Promise<T> {
    return this.efms.call<T>(method, target, { body, as: this.fleet.tenant.credentials[1] });
  }
}
