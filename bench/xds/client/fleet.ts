import type { Socket } from 'node:net';
import { cpuUsage } from 'node:process';
import { percentile } from '../../kit/numbers.ts';
import { AdsStream } from './ads-stream.ts';
import { cheapNow } from './clock.ts';
import { type Address, dial } from './dial.ts';
import { Http2Connection } from './http2-connection.ts';
import {
  type Claim,
  encodeVersions,
  headersOf,
  type Kind,
  KINDS,
  type Node,
  nodeOf,
  type Protocol,
  Requests,
} from './requests.ts';
import type { ResponseFacts } from './response-reader.ts';

/** Names with versions of what a proxy has, by kind. */
export type Held = Readonly<Partial<Record<Kind, readonly (readonly [name: string, version: string])[]>>>;

export interface FleetOptions {
  readonly address: Address;
  readonly protocol: Protocol;
  /** One stream each. */
  readonly proxies: readonly { readonly nodeId: string; readonly token: string }[];
  /** Kinds to ask for; endpoints and routes by these names. */
  readonly kinds: readonly Kind[];
  readonly names: Readonly<Partial<Record<Kind, readonly string[]>>>;
  /** An encoded node of a real Envoy, whose id is replaced; without it a node is an id alone. */
  readonly node?: Uint8Array | undefined;
  readonly repeatsNode: boolean;
  readonly streamsPerConnection: number;
  readonly window: number;
}

/** What came of one push, or of connecting. Times are milliseconds of the machine's monotonic clock, see `now`. */
export interface Round {
  readonly streams: number;
  /** Streams that were not waited for. */
  readonly skipped: number;
  /** Streams that had all that was waited for. */
  readonly complete: number;
  /** Of the first receipts of all streams, and of their last ACKs. */
  readonly first: number;
  readonly p50: number;
  readonly p99: number;
  readonly last: number;
  readonly messages: number;
  readonly resources: number;
  readonly removed: number;
  readonly bytes: number;
  /** Of this process. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Streams that the server ended, in words with how often; each came again. */
  readonly ended: Readonly<Record<string, number>>;
}

/** The streams of one connection, which is replaced when it is lost. */
interface Part {
  readonly from: number;
  readonly to: number;
  /** What they come back with. */
  readonly versions: readonly Buffer[] | undefined;
  socket: Socket | undefined;
}

/** How long those wait, give or take a half, whose stream the server ended. */
const BACKOFF_MS = 500;
/** Connections opened before others get their turn on the event loop. */
const OPENED_AT_ONCE = 50;
/** After all have what was waited for, what comes within this time was too much. */
const QUIET_MS = 200;

/** Ten thousand proxies, each with a stream of its own; what they get is clocked by rounds. */
export class Fleet {
  private readonly options: FleetOptions;
  private readonly requests: Requests;
  private readonly makeNode: (id: string) => Node;
  private readonly kinds: readonly number[];
  private readonly parts: Part[] = [];
  private readonly streams: AdsStream[] = [];
  private readonly firstReceipt: Float64Array;
  private readonly lastAck: Float64Array;
  private readonly acked: Uint32Array;
  private ended: Record<string, number> = {};
  private responses = 0;
  private skipped = 0;
  private complete = 0;
  private messages = 0;
  private resources = 0;
  private removed = 0;
  private bytes = 0;
  private cpuBefore = cpuUsage();
  private onComplete: (() => void) | undefined;

  constructor(options: FleetOptions) {
    this.options = options;
    this.requests = new Requests(options.protocol, options.names);
    this.kinds = options.kinds.map((kind) => KINDS.indexOf(kind));
    this.makeNode = nodeOf(Buffer.from(options.node ?? []));
    const count = options.proxies.length;
    this.firstReceipt = new Float64Array(count);
    this.lastAck = new Float64Array(count);
    this.acked = new Uint32Array(count);
  }

  /** Begins a round: each stream but the first few is waited for until it has acknowledged so many responses. */
  begin(responses: number, skipped: number): void {
    this.skipped = skipped;
    this.firstReceipt.fill(NaN);
    this.lastAck.fill(NaN);
    this.acked.fill(0);
    this.responses = responses;
    this.complete = 0;
    this.messages = 0;
    this.resources = 0;
    this.removed = 0;
    this.bytes = 0;
    this.ended = {};
    this.cpuBefore = cpuUsage();
  }

  /** Ends the round, once all streams have what was waited for or the time is over. */
  async finish(timeoutMs: number): Promise<Round> {
    if (this.complete < this.waitedFor && this.responses > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.onComplete = resolve;
        timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
      this.onComplete = undefined;
    }
    const { user, system } = cpuUsage(this.cpuBefore);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const acks = this.lastAck.filter((time) => !Number.isNaN(time)).sort();
    const receipts = this.firstReceipt.filter((time) => !Number.isNaN(time)).sort();
    return {
      streams: this.options.proxies.length,
      skipped: this.skipped,
      complete: this.complete,
      first: receipts[0] ?? NaN,
      p50: percentile(acks, 0.5),
      p99: percentile(acks, 0.99),
      last: acks.at(-1) ?? NaN,
      messages: this.messages,
      resources: this.resources,
      removed: this.removed,
      bytes: this.bytes,
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      ended: this.ended,
    };
  }

  private get waitedFor(): number {
    return this.options.proxies.length - this.skipped;
  }

  /**
   * Opens all streams as fast as this process can.
   * @param held what proxies have from before: they come back with it, and with the versions that they were last sent
   */
  async open(held?: Held): Promise<void> {
    const { proxies, streamsPerConnection } = this.options;
    const versions = held && KINDS.map((kind) => encodeVersions(new Map(held[kind] ?? [])));
    for (let i = 0; i < proxies.length; i += streamsPerConnection) {
      const part: Part = {
        from: i,
        to: Math.min(proxies.length, i + streamsPerConnection),
        versions,
        socket: undefined,
      };
      this.parts.push(part);
      this.connect(part);
      if (this.parts.length % OPENED_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Cuts all connections, as machines do that lose their power. */
  close(): void {
    for (const part of this.parts) part.socket?.destroy();
    this.parts.length = 0;
  }

  /** The first so many connections read nothing until `resume`. */
  pause(connections: number): void {
    for (const part of this.parts.slice(0, connections)) part.socket?.pause();
  }

  resume(): void {
    for (const part of this.parts) part.socket?.resume();
  }

  private connect(part: Part): void {
    const { address, protocol, proxies, repeatsNode, window } = this.options;
    const connectionOf = { current: undefined as Http2Connection | undefined };
    const socket = dial(address, {
      onRead: (bytes, length) => connectionOf.current?.read(bytes, length),
      onClose: (reason) => this.lost(part, socket, reason),
    });
    part.socket = socket;
    const connection = new Http2Connection(socket, { window });
    connectionOf.current = connection;
    for (let i = part.from; i < part.to; i += 1) {
      const { nodeId = '', token = '' } = proxies[i] ?? {};
      const before = this.streams[i]?.lastVersions ?? [];
      const claims = part.versions?.map((each, kind): Claim => ({ version: before[kind] ?? '', versions: each }));
      const stream = new AdsStream(
        { requests: this.requests, kinds: this.kinds, node: () => this.makeNode(nodeId), repeatsNode },
        (response) => this.took(i, response),
        () => this.lost(part, socket, 'the server ended the stream'),
      );
      this.streams[i] = stream;
      stream.open(connection, headersOf(protocol, token), claims);
    }
  }

  /** Comes again after a moment, as Envoys do. */
  private lost(part: Part, socket: Socket, reason: string): void {
    if (part.socket !== socket || !this.parts.includes(part)) return;
    this.ended[reason] = (this.ended[reason] ?? 0) + part.to - part.from;
    part.socket = undefined;
    socket.destroy();
    setTimeout(
      () => {
        if (this.parts.includes(part)) this.connect(part);
      },
      BACKOFF_MS * (0.5 + Math.random()),
    );
  }

  private took(stream: number, { resources, removed, bytes }: ResponseFacts): void {
    const time = cheapNow();
    this.messages += 1;
    this.resources += resources;
    this.removed += removed;
    this.bytes += bytes;
    const acked = (this.acked[stream] ?? 0) + 1;
    this.acked[stream] = acked;
    if (acked === 1) this.firstReceipt[stream] = time;
    if (acked <= this.responses) this.lastAck[stream] = time;
    if (acked !== this.responses || stream < this.skipped) return;
    this.complete += 1;
    if (this.complete === this.waitedFor) this.onComplete?.();
  }
}
