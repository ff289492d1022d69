import { type StatusObject } from '@grpc/grpc-js';
import { expect } from '@jest/globals';
import type { ResourceKind } from '../../src/xds/resource-types.js';
import type { EncodedResource } from '../../src/xds/snapshots/compiled-snapshot.js';
import { eventually } from '../kit/eventually.js';
import type { XdsClient, XdsClientStream } from '../kit/xds-client.js';
import { describeResponse, snapshot, type Variant } from '../kit/xds-stream.js';
import type { HostedStream, XdsTestServer } from '../kit/xds-test-server.js';
import type { DecodedResponse } from '../kit/xds-wire.js';

/** What a proxy claims to have when it comes back: of state of the world a version, incrementally one per name. */
export interface Claim {
  readonly nonce?: string;
  /** An encoded node, where it is to be a special one. */
  readonly node?: Buffer;
  readonly version?: string;
  readonly versions?: Readonly<Record<string, string>>;
}

interface Type {
  wants: readonly string[];
  /** Of the newest response; what a later request of the type carries in state of the world. */
  nonce: string;
  version: string;
  readonly versions: Map<string, string>;
}

export interface Place {
  readonly server: XdsTestServer;
  readonly client: XdsClient;
}

/** Asks for names nobody has, which is never answered, and is told to the host: so it tells how far the server has read. */
const FENCE: ResourceKind = 'extensionConfig';

/**
 * One proxy at the other end of a real gRPC stream, and what is assigned to it. Its words are those of a transcript: it `asks` for a
 * type for the first time, `wants` other names, `gets` responses, `acks` and `nacks` them. Nothing here waits for time to pass: `gets`
 * waits until the server has read all that the proxy said and written all that it has to answer, and compares the whole of it.
 */
export class Proxy {
  /** Every response of this stream so far. */
  get responses(): readonly DecodedResponse[] {
    return this.stream.responses;
  }

  /** Opened by the first request. */
  readonly stream: XdsClientStream;
  private readonly types = new Map<ResourceKind, Type>();
  private readonly answered = new Set<string>();
  private taken = 0;
  private fences = 0;
  private isFirst = true;

  constructor(
    private readonly place: Place,
    readonly variant: Variant,
    readonly nodeId: string,
    private readonly streamNumber = 0,
  ) {
    this.stream = place.client.open(variant, nodeId, nodeId);
  }

  /** Another stream of the same proxy: what it says is up to the test. */
  comesBack(place = this.place): Proxy {
    const next = place === this.place ? this.place.server.host.of(this.nodeId).length : 0;
    return new Proxy(place, this.variant, this.nodeId, next);
  }

  /** What the server is told that the proxy is to have, on this and all its later streams. */
  isAssigned(...resources: readonly EncodedResource[]): this {
    this.place.server.host.assign(this.nodeId, snapshot(...resources));
    return this;
  }

  hasNoAssignment(): this {
    this.place.server.host.assign(this.nodeId, null);
    return this;
  }

  /** What the host was told of the stream. */
  get log(): HostedStream {
    const hosted = this.place.server.host.of(this.nodeId)[this.streamNumber];
    if (!hosted) throw new Error('the stream is not attached');
    return hosted;
  }

  /** Whether the host was told last that the proxy has all of its snapshot. */
  get isConverged(): boolean {
    return this.log.events.findLast((event) => /^(con|di)verged/.test(event))?.startsWith('converged') ?? false;
  }

  get ended(): Promise<StatusObject> {
    return this.stream.ended;
  }

  /** First request of a type: no names is the legacy wildcard of a root type. */
  asks(kind: ResourceKind, names: readonly string[] = [], claim: Claim = {}): this {
    this.types.set(kind, { wants: names, nonce: '', version: '', versions: new Map() });
    return this.says(kind, { names, subscribe: names, ...claim });
  }

  /** Changes the names, in a request of its own with the newest nonce. */
  wants(kind: ResourceKind, names: readonly string[], nonce = this.type(kind).nonce): this {
    const { wants: before, version } = this.type(kind);
    this.type(kind).wants = names;
    if (this.variant === 'sotw') this.answered.add(nonce);
    const subscribe = names.filter((name) => !before.includes(name));
    const unsubscribe = before.filter((name) => !names.includes(name));
    // An incremental client says its changes without a nonce, which makes them no answer to anything.
    return this.says(kind, { names, subscribe, unsubscribe, version, nonce: this.variant === 'sotw' ? nonce : '' });
  }

  /** One request as it stands. */
  says(kind: ResourceKind, fields: Parameters<XdsClientStream['request']>[1] = {}): this {
    if (fields.nonce) this.answered.add(fields.nonce);
    this.stream.request(kind, fields);
    this.isFirst = false;
    return this;
  }

  /** Acknowledges the newest response of a type. */
  acks(...kinds: readonly ResourceKind[]): this {
    for (const kind of kinds) {
      const { nonce, version, wants } = this.type(kind);
      this.says(kind, { nonce, version, names: wants });
    }
    return this;
  }

  /** Refuses the newest response of a type, with the version of before, as Envoy does. */
  nacks(kind: ResourceKind, message = 'refused', names = this.type(kind).wants): this {
    return this.says(kind, { nonce: this.type(kind).nonce, names, error: { code: 13, message } });
  }

  /** All that the server answers now: exactly these responses, in this order, and nothing else. Without any: nothing. */
  async gets(...expected: readonly string[]): Promise<this> {
    await this.settles();
    expect(this.news()).toEqual(expected);
    return this;
  }

  /** The same, where each response is acknowledged as it comes, and so are those that the acknowledgements bring. */
  async takes(...expected: readonly string[]): Promise<this> {
    await this.takesAll();
    expect(this.news()).toEqual(expected);
    return this;
  }

  /** Acknowledges whatever comes until the server is quiet. */
  async takesAll(): Promise<this> {
    for (;;) {
      await this.settles();
      const open = this.responses.filter(({ nonce }) => !this.answered.has(nonce));
      if (open.length === 0) return this;
      for (const { kind, nonce, version } of open) this.says(kind, { nonce, version, names: this.type(kind).wants });
    }
  }

  /** The newest response of a type. */
  last(kind: ResourceKind): DecodedResponse {
    const found = this.responses.findLast((response) => response.kind === kind);
    if (!found) throw new Error(`no response of type ${kind} yet`);
    return found;
  }

  /** What this proxy would claim of a type after what it got: the newest version, or the newest of each name. */
  claimOf(kind: ResourceKind): Claim {
    const { version, versions } = this.type(kind);
    return { version, versions: Object.fromEntries(versions) };
  }

  private news(): string[] {
    const news = this.responses.slice(this.taken).map(describeResponse);
    this.taken = this.responses.length;
    return news;
  }

  /** Until the server has read everything and written everything, twice, for what it could not write at once follows the write. */
  async settles(): Promise<void> {
    let quiet = 0;
    while (quiet < 2) {
      const before = this.responses.length;
      await this.fence();
      await eventually(
        'all responses that the server has sent',
        () => this.responses.length === this.sentByServer() || undefined,
      );
      quiet = this.responses.length === before ? quiet + 1 : 0;
      this.note();
    }
  }

  private async fence(): Promise<void> {
    const type = this.types.get(FENCE);
    const [before, name] = [`fence-${this.fences}`, `fence-${++this.fences}`];
    const names = [...(type?.wants ?? []), name];
    const told = this.isFirst ? 0 : this.toldOfFences();
    if (type?.nonce) this.answered.add(type.nonce);
    this.says(FENCE, {
      names,
      subscribe: [name],
      unsubscribe: this.fences > 1 ? [before] : [],
      nonce: this.variant === 'sotw' ? (type?.nonce ?? '') : '',
    });
    for (const deadline = Date.now() + 20_000; this.toldOfFences() <= told;) {
      if (Date.now() > deadline) throw new Error('the server does not read');
      if (this.stream.isOver) {
        const { code, details } = await this.ended;
        throw new Error(`the stream ended with status ${code}: ${details}`);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private toldOfFences(): number {
    const hosted = this.place.server.host.of(this.nodeId)[this.streamNumber];
    return hosted?.of(`subscribed ${FENCE}`).length ?? 0;
  }

  private sentByServer(): number {
    return this.log.of('sent').length;
  }

  /** Takes down nonces and versions of what came. */
  private note(): void {
    for (const { kind, nonce, version, versions, removed } of this.responses) {
      const type = this.type(kind);
      type.nonce = nonce;
      type.version = version;
      for (const [name, each] of versions) type.versions.set(name, each);
      for (const name of removed) type.versions.delete(name);
    }
  }

  private type(kind: ResourceKind): Type {
    const type = this.types.get(kind);
    if (!type) throw new Error(`${kind} was not asked for`);
    return type;
  }
}
