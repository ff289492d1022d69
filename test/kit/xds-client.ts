import {
  type ChannelCredentials,
  Client,
  credentials,
  type ClientDuplexStream,
  Metadata,
  type StatusObject,
  type ServiceError,
} from '@grpc/grpc-js';
import { type ResourceKind, resourceType } from '../../src/xds/resource-types.js';
import { ADS_SERVICE } from '../../src/xds/server/discovery-services.js';
import type { Variant } from './xds-stream.js';
import {
  type DecodedResponse,
  decodeDeltaResponse,
  decodeSotwResponse,
  type DeltaRequestFields,
  encodeDeltaRequest,
  encodeNode,
  encodeSotwRequest,
  type SotwRequestFields,
} from './xds-wire.js';

const METHODS = { sotw: 'StreamAggregatedResources', delta: 'DeltaAggregatedResources' } as const;
const raw = (bytes: Buffer): Buffer => bytes;

/** A connection to an ADS server over real gRPC. */
export class XdsClient {
  private readonly client: Client;

  constructor(port: number, host = '127.0.0.1', channel: ChannelCredentials = credentials.createInsecure()) {
    this.client = new Client(`${host}:${port}`, channel, {
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
    });
  }

  /**
   * Opens a stream; without a token where it is null.
   * @param path of another method than that of ADS
   * @param headers further metadata of the call
   */
  open(
    variant: Variant,
    token: string | null = 'good',
    nodeId = 'p1',
    path = `/${ADS_SERVICE}/${METHODS[variant]}`,
    headers: Readonly<Record<string, string>> = {},
  ): XdsClientStream {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    if (token !== null) metadata.set('authorization', `Bearer ${token}`);
    const call = this.client.makeBidiStreamRequest(path, raw, raw, metadata);
    return new XdsClientStream(call, variant, nodeId);
  }

  close(): void {
    this.client.close();
  }
}

interface Fields extends Omit<SotwRequestFields, 'typeUrl'>, Omit<DeltaRequestFields, 'typeUrl'> {}

/** One stream as a client drives it: it sends what it is told to, and keeps what it receives until it is asked. */
export class XdsClientStream {
  /** Every response so far, as it came. */
  readonly frames: Buffer[] = [];
  /** The same, read. */
  readonly responses: DecodedResponse[] = [];
  /** How the stream ended. */
  readonly ended: Promise<StatusObject>;
  private readonly inbox: DecodedResponse[] = [];
  private readonly waiting: ((response: DecodedResponse | null) => void)[] = [];
  private isFirst = true;
  /** Whether it has ended. */
  isOver = false;

  constructor(
    readonly call: ClientDuplexStream<Buffer, Buffer>,
    readonly variant: Variant,
    private readonly nodeId: string,
  ) {
    this.ended = new Promise((resolve) => call.on('status', resolve));
    call.on('error', (_error: ServiceError) => undefined);
    call.on('data', (frame: Buffer) => this.receive(frame));
    void this.ended.then(() => {
      this.isOver = true;
      for (const wake of this.waiting.splice(0)) wake(null);
    });
  }

  /** Sends one request of a type; the first carries the node. */
  request(kind: ResourceKind, fields: Fields = {}): this {
    const node = fields.node ?? (this.isFirst ? encodeNode({ id: this.nodeId, extensions: 16 }) : undefined);
    const typeUrl = resourceType(kind).typeUrl;
    this.isFirst = false;
    const request = { ...fields, typeUrl, ...(node ? { node } : {}) };
    this.call.write(this.variant === 'sotw' ? encodeSotwRequest(request) : encodeDeltaRequest(request));
    return this;
  }

  /** Asks for names of a type in the way of the variant. */
  subscribe(kind: ResourceKind, names: readonly string[] = [], fields: Fields = {}): this {
    return this.request(kind, { names, subscribe: names, ...fields });
  }

  ack(response: DecodedResponse, names: readonly string[] = []): this {
    return this.request(response.kind, { nonce: response.nonce, version: response.version, names });
  }

  nack(response: DecodedResponse, message: string, names: readonly string[] = []): this {
    return this.request(response.kind, { nonce: response.nonce, names, error: { code: 13, message } });
  }

  /** The next response; rejects where the stream ends before there is one. */
  async next(): Promise<DecodedResponse> {
    const response = this.inbox.shift() ?? (await this.wait());
    if (response) return response;
    const { code, details } = await this.ended;
    throw new Error(`the stream ended with status ${code}: ${details}`);
  }

  /** Sends the node and anything else as it stands. */
  sendRaw(bytes: Buffer): this {
    this.call.write(bytes);
    return this;
  }

  private wait(): Promise<DecodedResponse | null> {
    if (this.isOver) return Promise.resolve(null);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private receive(frame: Buffer): void {
    this.frames.push(frame);
    const response = this.variant === 'sotw' ? decodeSotwResponse(frame) : decodeDeltaResponse(frame);
    this.responses.push(response);
    const wake = this.waiting.shift();
    if (wake) wake(response);
    else this.inbox.push(response);
  }
}
