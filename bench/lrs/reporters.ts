import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, dial } from '../xds/client/dial.ts';
import { Http2Connection, type Http2Stream } from '../xds/client/http2-connection.ts';
import { field, numberField } from '../xds/client/protobuf.ts';
import { headersFor, message, type Node, nodeField, nodeOf } from '../xds/client/requests.ts';

export interface ReportersOptions {
  readonly address: Address;
  readonly proxies: readonly { readonly nodeId: string; readonly token: string }[];
  /** Of a real Envoy, which repeats it in every report. */
  readonly node: Uint8Array;
  readonly clusters: number;
  readonly everyMs: number;
}

/** What became of the reports so far. */
export interface Reported {
  readonly sent: number;
  readonly bytes: number;
  /** Streams that the server ended. */
  readonly ended: number;
  /** Reports that wait for a window: the server does not read as fast. */
  readonly waiting: number;
}

interface Reporter {
  readonly connection: Http2Connection;
  readonly stream: Http2Stream;
  readonly node: Node;
}

const PATH = '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats';
const WINDOW = 1024 * 1024;
const TICK_MS = 5;
/** Connections opened in a second. */
const OPENED_PER_SECOND = 1_000;

/** Proxies that report their load, each on a connection of its own, spread evenly over the interval. */
export class Reporters {
  private readonly options: ReportersOptions;
  private readonly reporters: Reporter[] = [];
  private readonly stats: Buffer;
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;
  private bytes = 0;
  private ended = 0;

  constructor(options: ReportersOptions) {
    this.options = options;
    this.stats = Buffer.concat(Array.from({ length: options.clusters }, (_, i) => clusterStats(`cluster-${i}`)));
  }

  /** Opens all streams, each with the message of a node alone, and begins to report. */
  async open(): Promise<void> {
    const { address, proxies, node } = this.options;
    const makeNode = nodeOf(Buffer.from(node));
    for (const [i, { nodeId, token }] of proxies.entries()) {
      const current: { connection?: Http2Connection } = {};
      const socket = dial(address, {
        onRead: (bytes, length) => current.connection?.read(bytes, length),
        onClose: () => undefined,
      });
      const connection = new Http2Connection(socket, { window: WINDOW });
      current.connection = connection;
      const ears = {
        onData: () => undefined,
        onEnd: () => {
          this.ended += 1;
        },
      };
      const reporter = { connection, stream: connection.open(headersFor(PATH, token), ears), node: makeNode(nodeId) };
      this.reporters.push(reporter);
      connection.send(reporter.stream, message(nodeField(1, reporter.node)));
      if (i % 50 === 49) await sleep((50 / OPENED_PER_SECOND) * 1000);
    }
    this.begin();
  }

  get reported(): Reported {
    const waiting = this.reporters.reduce((sum, { stream }) => sum + (stream.waiting.length > 0 ? 1 : 0), 0);
    return { sent: this.sent, bytes: this.bytes, ended: this.ended, waiting };
  }

  /** Reports that are due and late are sent at once: the rate is what it is. */
  private begin(): void {
    const began = performance.now();
    const { everyMs } = this.options;
    const count = this.reporters.length;
    let next = 0;
    this.timer = setInterval(() => {
      const due = Math.floor(((performance.now() - began) / everyMs) * count);
      for (; next < due; next += 1) this.report(this.reporters[next % count]);
    }, TICK_MS);
  }

  private report(reporter: Reporter | undefined): void {
    if (!reporter) return;
    const bytes = message([...nodeField(1, reporter.node), this.stats]);
    reporter.connection.send(reporter.stream, bytes);
    this.sent += 1;
    this.bytes += bytes.length;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** `ClusterStats` of a cluster with endpoints in two localities. */
function clusterStats(name: string): Buffer {
  const locality = (zone: string): Buffer =>
    Buffer.concat([
      field(1, Buffer.concat([field(1, 'region'), field(2, zone)])),
      numberField(2, 95),
      numberField(3, 4),
      numberField(4, 1),
      numberField(8, 100),
    ]);
  const interval = numberField(1, 10);
  return field(
    2,
    Buffer.concat([field(1, name), field(2, locality('a')), field(2, locality('b')), field(4, interval)]),
  );
}
