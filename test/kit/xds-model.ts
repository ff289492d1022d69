import { RESOURCE_TYPES, type ResourceKind, resourceType } from '../../src/xds/resource-types.js';
import type { CompiledSnapshot } from '../../src/xds/snapshots/compiled-snapshot.js';
import { DeltaStream } from '../../src/xds/server/delta-stream.js';
import { SotwStream } from '../../src/xds/server/sotw-stream.js';
import type { StreamObserver } from '../../src/xds/server/stream-observer.js';
import { type DecodedResponse, decodeDeltaResponse, decodeSotwResponse } from './xds-wire.js';
import type { Variant } from './xds-stream.js';

interface ClientType {
  names: Set<string>;
  wildcard: boolean;
  /** Content by name, as the client has it. */
  readonly has: Map<string, string>;
  /** What it would claim after a break. */
  readonly versions: Map<string, string>;
  version: string;
  nonce: string;
}

/**
 * A client in the manner of Envoy, small enough to be believed: it reads its responses late, in order and one at a time, refuses
 * what contains "bad", and then has either nothing or a part of the response.
 */
export class ModelClient {
  readonly types = new Map<ResourceKind, ClientType>();
  private stream!: SotwStream | DeltaStream;
  private inbox: DecodedResponse[] = [];
  private isFull = false;
  private readonly unanswered = new Map<ResourceKind, number>();
  /** The most responses of one type that were ever on the way at once. */
  mostOutstanding = 0;

  constructor(
    readonly variant: Variant,
    private readonly observer: StreamObserver,
    private readonly appliesPartially: boolean,
  ) {
    this.connect();
  }

  /** Opens a new stream and asks for all that it wants, with what it has as claims. */
  reconnect(served: CompiledSnapshot | null | undefined): void {
    this.stream.close();
    this.inbox = [];
    this.isFull = false;
    this.unanswered.clear();
    this.connect();
    for (const { kind } of RESOURCE_TYPES) {
      const type = this.types.get(kind);
      if (!type) continue;
      // A first request without names would ask for everything.
      if (!type.wildcard && type.names.size === 0) {
        this.types.delete(kind);
        continue;
      }
      type.nonce = '';
      this.send(kind, type.wildcard ? ['*', ...type.names] : [...type.names], [], undefined, type.versions);
    }
    if (served !== undefined) this.stream.serve(served);
  }

  serve(snapshot: CompiledSnapshot): void {
    this.stream.serve(snapshot);
  }

  subscribe(kind: ResourceKind, name: string): void {
    const type = this.type(kind);
    if (name === '*') type.wildcard = true;
    else type.names.add(name);
    this.send(kind, [name], []);
  }

  unsubscribe(kind: ResourceKind, name: string): void {
    const type = this.types.get(kind);
    if (!type) return;
    if (name === '*') type.wildcard = false;
    else type.names.delete(name);
    for (const held of type.has.keys()) {
      const isKept = type.names.has(held) || type.wildcard;
      if (!isKept || held === name) this.forget(type, held);
    }
    this.send(kind, [], [name]);
  }

  /** A request that answers a response of long ago. */
  sendStale(kind: ResourceKind): void {
    if (this.types.has(kind)) this.send(kind, [], [], { nonce: 'long ago', isRefusal: false });
  }

  setFull(isFull: boolean): void {
    const wasFull = this.isFull;
    this.isFull = isFull;
    if (wasFull && !isFull) this.stream.onWritable();
  }

  /** Reads and answers the oldest response; false where there is none. */
  readOne(): boolean {
    const response = this.inbox.shift();
    if (!response) return false;
    this.unanswered.set(response.kind, (this.unanswered.get(response.kind) ?? 1) - 1);
    const type = this.type(response.kind);
    type.nonce = response.nonce;
    const isBad = [...response.resources.values()].some((content) => content.startsWith('bad'));
    this.apply(type, response, isBad);
    if (!isBad) type.version = response.version;
    this.send(response.kind, [], [], { nonce: response.nonce, isRefusal: isBad });
    return true;
  }

  private apply(type: ClientType, response: DecodedResponse, isBad: boolean): void {
    if (isBad && !this.appliesPartially) return;
    const covers = (name: string): boolean => type.wildcard || type.names.has(name);
    if (this.variant === 'sotw' && resourceType(response.kind).isRoot) {
      for (const name of type.has.keys()) if (!response.resources.has(name)) this.forget(type, name);
    }
    for (const [name, content] of response.resources) {
      if (!covers(name) || content.startsWith('bad')) continue;
      type.has.set(name, content);
      type.versions.set(name, response.versions.get(name) ?? '');
    }
    for (const name of response.removed) this.forget(type, name);
  }

  private forget(type: ClientType, name: string): void {
    type.has.delete(name);
    type.versions.delete(name);
  }

  private type(kind: ResourceKind): ClientType {
    let type = this.types.get(kind);
    if (!type) {
      type = { names: new Set(), wildcard: false, has: new Map(), versions: new Map(), version: '', nonce: '' };
      this.types.set(kind, type);
    }
    return type;
  }

  private connect(): void {
    const sink = { send: (frame: Buffer): boolean => this.receive(frame) };
    this.stream = this.variant === 'sotw' ? new SotwStream(sink, this.observer) : new DeltaStream(sink, this.observer);
  }

  private receive(frame: Buffer): boolean {
    const response = this.variant === 'sotw' ? decodeSotwResponse(frame) : decodeDeltaResponse(frame);
    this.inbox.push(response);
    const outstanding = (this.unanswered.get(response.kind) ?? 0) + 1;
    this.unanswered.set(response.kind, outstanding);
    this.mostOutstanding = Math.max(this.mostOutstanding, outstanding);
    return !this.isFull;
  }

  private send(
    kind: ResourceKind,
    subscribe: readonly string[],
    unsubscribe: readonly string[],
    answer?: { readonly nonce: string; readonly isRefusal: boolean },
    versions: ReadonlyMap<string, string> = new Map(),
  ): void {
    const type = this.type(kind);
    const common = {
      typeUrl: resourceType(kind).typeUrl,
      errorDetail: answer?.isRefusal ? { code: 13, message: 'bad' } : null,
      node: null,
    };
    if (this.stream instanceof SotwStream) {
      this.stream.onRequest({
        ...common,
        responseNonce: answer?.nonce ?? type.nonce,
        versionInfo: type.version,
        resourceNames: type.wildcard ? ['*', ...type.names] : [...type.names],
      });
    } else {
      this.stream.onRequest({
        ...common,
        responseNonce: answer?.nonce ?? '',
        subscribe,
        unsubscribe,
        initialResourceVersions: versions,
      });
    }
  }
}
