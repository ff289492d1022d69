import type { StatusObject } from '@grpc/grpc-js';
import type { ResourceKind } from '../../src/xds/resource-types.js';
import { Reader } from '../../src/xds/server/wire/protobuf.js';
import { eventually } from './eventually.js';
import { XdsClient, type XdsClientStream } from './xds-client.js';
import type { Variant } from './xds-stream.js';
import type { DecodedResponse } from './xds-wire.js';

export interface HollowEnvoyOptions {
  /** Of the xDS server. */
  readonly port: number;
  readonly token: string;
  readonly nodeId: string;
  readonly variant: Variant;
  /** Names of the route configurations that its listeners use; EFMS's own test snapshots call theirs "routes". */
  readonly routes?: readonly string[];
  /** Keeps its answers back until `release()`. */
  readonly silent?: boolean;
}

/** A response as the client got it. */
export interface Received {
  readonly kind: ResourceKind;
  readonly version: string;
  readonly nonce: string;
  /** Encoded resources by name. */
  readonly resources: ReadonlyMap<string, Buffer>;
  /** Versions by name, incremental only. */
  readonly versions: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
  /** The whole response. */
  readonly frame: Buffer;
}

/** What a client has of a type, as it claims it when it comes back. */
interface Holding {
  /** Names asked for; undefined for the root types, of which it wants all. */
  names?: Set<string>;
  version: string;
  nonce: string;
  readonly resources: Map<string, { version: string; value: Buffer }>;
}

/**
 * A client that subscribes as an Envoy does and applies nothing: clusters and listeners, then the endpoints of EDS clusters and the
 * routes once there is a listener. It acknowledges everything unless told otherwise.
 */
export class HollowEnvoy {
  readonly received: Received[] = [];
  private readonly client: XdsClient;
  private readonly stream: XdsClientStream;
  private readonly kept: Received[] = [];
  private readonly refusals = new Map<ResourceKind, { readonly message: string; readonly name: string | undefined }>();
  private silent: boolean;
  private hangsUp = false;
  private isOver = false;

  constructor(
    private readonly options: HollowEnvoyOptions,
    private readonly has = new Map<ResourceKind, Holding>(),
  ) {
    this.silent = options.silent ?? false;
    this.client = new XdsClient(options.port);
    this.stream = this.client.open(options.variant, options.token, options.nodeId);
    for (const kind of ['cluster', 'endpoint', 'listener', 'route'] as const) {
      const isRoot = kind === 'cluster' || kind === 'listener';
      if (isRoot || has.has(kind)) this.ask(kind);
    }
    void this.live();
  }

  /** How the stream ended. */
  get ended(): Promise<StatusObject> {
    return this.stream.ended;
  }

  get isConnected(): boolean {
    return !this.isOver;
  }

  /** The encoded resources of a type that it has. */
  resources(kind: ResourceKind): ReadonlyMap<string, Buffer> {
    const held = this.has.get(kind)?.resources ?? new Map<string, { value: Buffer }>();
    return new Map([...held].map(([name, { value }]) => [name, value]));
  }

  /** Waits until a resource that it has contains the text. */
  async sees(kind: ResourceKind, name: string, text: string, seconds?: number): Promise<void> {
    const what = `${kind} ${name} with "${text}" at ${this.options.nodeId}`;
    await eventually(what, () => this.resources(kind).get(name)?.includes(text) || undefined, seconds);
  }

  /** Answers responses of the type with an error from now on, or those that have a resource of the name. */
  refuse(kind: ResourceKind, message: string, name?: string): void {
    this.refusals.set(kind, { message, name });
  }

  /** Ends the stream right after a refusal, as where the connection breaks at that moment. */
  hangUpOnRefusal(): void {
    this.hangsUp = true;
  }

  /** Acknowledges responses of the type again. */
  accept(kind: ResourceKind): void {
    this.refusals.delete(kind);
  }

  /** Keeps answers back from now on. */
  hold(): void {
    this.silent = true;
  }

  /** Gives the answers that were kept back, and all further ones. */
  release(): void {
    this.silent = false;
    for (const response of this.kept.splice(0)) this.answer(response);
  }

  /** A new stream of the same process, which claims what it has; to another server where one is given. The old one is ended. */
  async reconnect(port = this.options.port, token = this.options.token): Promise<HollowEnvoy> {
    await this.stop();
    return new HollowEnvoy({ ...this.options, port, token, silent: false }, this.has);
  }

  async stop(): Promise<void> {
    this.stream.call.cancel();
    await this.stream.ended;
    this.client.close();
  }

  private async live(): Promise<void> {
    for (let i = 0; ; i++) {
      const response = await this.stream.next().catch(() => undefined);
      if (!response) break;
      const received = this.take(response, this.stream.frames[i]!);
      if (this.silent) this.kept.push(received);
      else this.answer(received);
    }
    this.isOver = true;
  }

  /** Notes a response, and subscribes to what it names: Envoy does that before it acknowledges. */
  private take({ kind, version, nonce, removed, versions }: DecodedResponse, frame: Buffer): Received {
    const resources = resourcesOf(frame, this.options.variant);
    const received = { kind, version, nonce, removed, frame, resources, versions };
    this.received.push(received);
    this.holding(kind).nonce = nonce;
    if (kind === 'cluster') this.want('endpoint', edsNames(resources));
    if (kind === 'listener' && resources.size > 0) this.want('route', this.options.routes ?? ['routes']);
    return received;
  }

  private apply({ kind, version, resources, versions, removed }: Received): void {
    const holding = this.holding(kind);
    holding.version = version;
    // State of the world says everything there is of a root type, and no more than what changed of the others.
    if (this.options.variant === 'sotw' && (kind === 'cluster' || kind === 'listener')) holding.resources.clear();
    for (const name of removed) holding.resources.delete(name);
    for (const [name, value] of resources) holding.resources.set(name, { version: versions.get(name) ?? '', value });
  }

  private holding(kind: ResourceKind): Holding {
    let holding = this.has.get(kind);
    if (!holding) {
      holding = { version: '', nonce: '', resources: new Map() };
      this.has.set(kind, holding);
    }
    return holding;
  }

  /** The first request of a type on the stream. */
  private ask(kind: ResourceKind): void {
    const { names, version, resources } = this.holding(kind);
    const versions = Object.fromEntries([...resources].map(([name, resource]) => [name, resource.version]));
    this.stream.subscribe(kind, [...(names ?? [])], { version, versions });
  }

  /** Adds names to a subscription, ahead of the answer to the response that told of them. */
  private want(kind: ResourceKind, wanted: readonly string[]): void {
    const isFirst = !this.has.has(kind);
    const holding = this.holding(kind);
    const names = (holding.names ??= new Set());
    const news = wanted.filter((name) => !names.has(name));
    for (const name of news) names.add(name);
    if (news.length === 0) return;
    if (isFirst) {
      this.ask(kind);
      return;
    }
    const { version, nonce } = holding;
    this.stream.request(
      kind,
      this.options.variant === 'sotw' ? { version, nonce, names: [...names] } : { subscribe: news },
    );
  }

  private answer(response: Received): void {
    if (this.isOver) return;
    const { kind, nonce } = response;
    const refusal = this.refusals.get(kind);
    const isRefused = refusal && (refusal.name === undefined || response.resources.has(refusal.name));
    const message = isRefused ? refusal.message : undefined;
    if (message === undefined) this.apply(response);
    const { version, names = [] } = this.holding(kind);
    const error = message === undefined ? {} : { error: { code: 13, message } };
    this.stream.request(kind, { nonce, version, names: [...names], ...error });
    if (message !== undefined && this.hangsUp) this.stream.call.end();
  }
}

/** The bytes of a response without its nonce, which is all that two replicas may say differently. */
export function withoutNonce({ frame, nonce }: Pick<Received, 'frame' | 'nonce'>): string {
  // Field 5 in both variants: tag, length, text.
  const field = `\x2a${String.fromCharCode(nonce.length)}${nonce}`;
  return frame.toString('latin1').replace(field, '');
}

/** Every type that is served here has its name in field 1, an endpoint set that of its cluster. */
function resourcesOf(frame: Buffer, variant: Variant): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const reader = new Reader(frame);
  while (reader.next()) {
    if (reader.field !== 2) {
      reader.skip();
      continue;
    }
    const bytes = reader.bytesField();
    const any = variant === 'sotw' ? bytes : (fieldOf(bytes, 2) ?? EMPTY);
    const value = fieldOf(any, 2) ?? EMPTY;
    found.set((fieldOf(value, 1) ?? EMPTY).toString(), value);
  }
  return found;
}

const EMPTY = Buffer.alloc(0);

function fieldOf(message: Buffer, field: number): Buffer | undefined {
  const reader = new Reader(message);
  while (reader.next()) {
    if (reader.field === field) return reader.bytesField();
    reader.skip();
  }
  return undefined;
}

const CLUSTER_TYPE_FIELD = 2;
const EDS = 3;

function edsNames(clusters: ReadonlyMap<string, Buffer>): string[] {
  return [...clusters].filter(([, value]) => isEds(value)).map(([name]) => name);
}

function isEds(cluster: Buffer): boolean {
  const reader = new Reader(cluster);
  while (reader.next()) {
    if (reader.field === CLUSTER_TYPE_FIELD) return reader.int32() === EDS;
    reader.skip();
  }
  return false;
}
