import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Worker } from '../../kit/worker.ts';
import type { FleetOptions, Held, Round } from './fleet.ts';
import type { Order } from './fleet-process.ts';

/** 61 KB, most of them the names of 516 extensions; written by `npm run record:envoy`. */
export const recordedNode = (): Buffer => gunzipSync(readFileSync(new URL('../envoy-node.binpb.gz', import.meta.url)));

/** What an Envoy gives its server: it may send so much ahead. */
const WINDOW = 16 * 1024 * 1024;
const TIMEOUT_MS = 120_000;

type Given = Pick<FleetOptions, 'address' | 'protocol' | 'proxies' | 'kinds' | 'names'>;

/** A `Fleet` in a process of its own. */
export class FleetClient {
  private readonly worker = new Worker<Order, Round | undefined>(new URL('./fleet-process.ts', import.meta.url));

  static async make(given: Given, more: Partial<FleetOptions> = {}): Promise<FleetClient> {
    const client = new FleetClient();
    const usual = { node: recordedNode(), repeatsNode: false, streamsPerConnection: 1, window: WINDOW };
    await client.worker.tell({ type: 'make', options: { ...usual, ...given, ...more } });
    return client;
  }

  /**
   * Whatever `work` does to the server, clocked until each stream has acknowledged so many responses.
   * @param skipped the first so many streams are not waited for
   */
  async round<T>(responses: number, work: () => Promise<T>, skipped = 0): Promise<Round & { readonly result: T }> {
    await this.worker.tell({ type: 'begin', responses, skipped });
    const result = await work();
    const round = await this.worker.tell({ type: 'finish', timeoutMs: TIMEOUT_MS });
    if (!round) throw new Error('the client answered something else');
    const { streams, complete, ended } = round;
    const missing = streams - skipped - complete;
    if (missing > 0 && responses > 0) {
      throw new Error(`${missing} of ${streams} streams did not get all: ${JSON.stringify(ended)}`);
    }
    return { ...round, result };
  }

  /** Opens all streams; with what they hold where they come back. */
  async open(held?: Held): Promise<void> {
    await this.worker.tell({ type: 'open', held });
  }

  /** Cuts all connections. */
  async cut(): Promise<void> {
    await this.worker.tell({ type: 'close' });
  }

  /** The first so many connections read nothing until `resume`. */
  async pause(connections: number): Promise<void> {
    await this.worker.tell({ type: 'pause', connections });
  }

  async resume(): Promise<void> {
    await this.worker.tell({ type: 'resume' });
  }

  async end(): Promise<void> {
    await this.cut();
    await this.worker.end();
  }
}
