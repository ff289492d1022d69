import type { Http2Connection, Http2Stream } from './http2-connection.ts';
import { type Claim, KINDS, type Node, numberOf, type Requests } from './requests.ts';
import { type ResponseFacts, ResponseReader } from './response-reader.ts';

/** What a stream is told to be. */
export interface StreamOptions {
  readonly requests: Requests;
  /** Kinds that are asked for, by their place in `KINDS`. */
  readonly kinds: readonly number[];
  readonly node: () => Node;
  /** Whether the node is sent with every request; otherwise with the first only, as `set_node_on_first_message_only` says. */
  readonly repeatsNode: boolean;
}

const CLUSTER = KINDS.indexOf('cluster');
const ENDPOINT = KINDS.indexOf('endpoint');
const LISTENER = KINDS.indexOf('listener');
const ROUTE = KINDS.indexOf('route');
const NO_NODE: Node = [];

/**
 * One proxy on one stream: it subscribes as an Envoy does (clusters; their endpoints before it acknowledges them; listeners once
 * clusters are warm; routes before the listeners' ACK), and acknowledges everything.
 */
export class AdsStream {
  private readonly options: StreamOptions;
  private readonly onAck: (response: ResponseFacts) => void;
  private readonly onEnd: () => void;
  private readonly reader = new ResponseReader((response) => this.take(response));
  private readonly versions: string[] = KINDS.map(() => '');
  private asked = 0;
  private hasSaidNode = false;
  private connection: Http2Connection | undefined;
  private stream: Http2Stream | undefined;

  /** @param onAck called when a response was read in full and its ACK is written */
  constructor(options: StreamOptions, onAck: (response: ResponseFacts) => void, onEnd: () => void) {
    this.options = options;
    this.onAck = onAck;
    this.onEnd = onEnd;
  }

  /** `version_info` of the last response of each kind, in state of the world what a client claims when it comes back. */
  get lastVersions(): readonly string[] {
    return this.versions;
  }

  /**
   * Opens the stream and says the first request.
   * @param claims by kind, of a client that comes back: it asks for everything at once
   */
  open(connection: Http2Connection, headers: Buffer, claims?: readonly Claim[]): void {
    this.connection = connection;
    this.stream = connection.open(headers, {
      onData: (bytes, from, to) => this.reader.read(bytes, from, to),
      onEnd: () => this.onEnd(),
    });
    if (claims) for (const kind of this.options.kinds) this.ask(kind, claims[kind]);
    else this.ask(CLUSTER);
  }

  private take(response: ResponseFacts): void {
    const kind = numberOf(response.typeUrl);
    this.versions[kind] = response.version;
    if (kind === CLUSTER) this.ask(ENDPOINT);
    if (kind === LISTENER) this.ask(ROUTE);
    this.send(this.options.requests.ack(kind, response, this.node));
    if (kind === ENDPOINT || !this.options.kinds.includes(ENDPOINT)) this.ask(LISTENER);
    this.onAck(response);
  }

  /** Asks for a kind that was not asked for before and is wanted. */
  private ask(kind: number, claim?: Claim): void {
    if ((this.asked & (1 << kind)) !== 0 || !this.options.kinds.includes(kind)) return;
    this.asked |= 1 << kind;
    this.send(this.options.requests.first(kind, this.node, claim));
  }

  private get node(): Node {
    if (this.hasSaidNode && !this.options.repeatsNode) return NO_NODE;
    this.hasSaidNode = true;
    return this.options.node();
  }

  private send(message: Buffer): void {
    if (this.stream) this.connection?.send(this.stream, message);
  }
}
