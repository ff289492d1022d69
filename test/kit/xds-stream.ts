import { type ResourceKind, resourceType } from '../../src/xds/resource-types.js';
import {
  CompiledSnapshot,
  type EncodedResource,
  resourceVersion,
  snapshotHash,
} from '../../src/xds/snapshots/compiled-snapshot.js';
import { DeltaStream } from '../../src/xds/server/delta-stream.js';
import type { ClaimHistory } from '../../src/xds/server/claim-history.js';
import { SotwStream } from '../../src/xds/server/sotw-stream.js';
import type {
  ForeignClaim,
  ResponseReference,
  SentResponse,
  StreamObserver,
} from '../../src/xds/server/stream-observer.js';
import type { ErrorDetail } from '../../src/xds/server/wire/discovery-request.js';
import { decodeDeltaResponse, decodeSotwResponse, type DecodedResponse } from './xds-wire.js';

export type Variant = 'sotw' | 'delta';

/** A resource whose content is a short text. `children` are written "kind/name". */
export function resource(
  kind: ResourceKind,
  name: string,
  content = 'v1',
  children: readonly `${ResourceKind}/${string}`[] = [],
): EncodedResource {
  // A state-of-the-world response does not name its resources, so the content does.
  const value = Buffer.from(`${name}:${content}`);
  return {
    kind,
    name,
    version: resourceVersion(kind, value),
    value,
    children: children.map((child) => {
      const [childKind, childName] = child.split('/') as [ResourceKind, string];
      return { kind: childKind, name: childName };
    }),
  };
}

export function snapshot(...resources: EncodedResource[]): CompiledSnapshot {
  return new CompiledSnapshot(snapshotHash(resources), resources);
}

/** One line per event, such as "acked cluster", in order. */
export class EventLog implements StreamObserver {
  readonly events: string[] = [];
  readonly errors: ErrorDetail[] = [];
  /** Of each NACK, the snapshot that was refused and what stands in the message. */
  readonly refusals: { readonly snapshot: string; readonly suspects: readonly string[] }[] = [];
  /** Called on a NACK, as the host that falls back to another snapshot. */
  onNack: () => void = () => undefined;
  /** Called on an ACK. */
  onAck: () => void = () => undefined;
  /** Called for every response that is sent. */
  onSent: () => void = () => undefined;

  subscribed(kind: ResourceKind, { wildcard, names }: { wildcard: boolean; names: number }): void {
    this.events.push(`subscribed ${kind} ${wildcard ? '*+' : ''}${names}`);
  }
  sent(response: SentResponse): void {
    this.events.push(`sent ${response.kind}`);
    this.onSent();
  }
  acked(response: ResponseReference): void {
    this.events.push(`acked ${response.kind}`);
    this.onAck();
  }
  nacked(response: ResponseReference, error: ErrorDetail, suspects: readonly string[]): void {
    this.events.push(`nacked ${response.kind}`);
    this.errors.push(error);
    this.refusals.push({ snapshot: response.snapshot, suspects });
    this.onNack();
  }
  converged(hash: string): void {
    this.events.push(`converged ${hash.slice(0, 8)}`);
  }
  diverged(): void {
    this.events.push('diverged');
  }
  unmanaged(): void {
    this.events.push('unmanaged');
  }
  frozen({ kind, versions }: ForeignClaim): void {
    this.events.push(`frozen ${kind} ${versions.length}`);
  }
  thawed(): void {
    this.events.push('thawed');
  }
  /** The events of one name, such as "converged". */
  of(name: string): string[] {
    return this.events.filter((event) => event.startsWith(name));
  }
}

interface Reconnect {
  /** Names asked for; none is the legacy wildcard of a root type. */
  readonly names?: readonly string[];
  /** State of the world: the version of the last response of the type. */
  readonly version?: string;
  /** Incremental: versions by name. */
  readonly versions?: Record<string, string>;
}

/**
 * A stream with a scripted client at its other end, the same script for both variants: in state of the world it keeps the
 * whole list of names, incrementally it sends the difference.
 */
export class Peer {
  readonly log = new EventLog();
  readonly responses: DecodedResponse[] = [];
  readonly frames: Buffer[] = [];
  /** What the sink answers: false holds further responses back. */
  writable = true;
  readonly stream: SotwStream | DeltaStream;
  private readonly wants = new Map<ResourceKind, string[]>();
  private readonly answered = new Set<string>();
  private taken = 0;

  constructor(readonly variant: Variant) {
    const sink = {
      send: (frame: Buffer): boolean => {
        this.frames.push(frame);
        this.responses.push(variant === 'sotw' ? decodeSotwResponse(frame) : decodeDeltaResponse(frame));
        return this.writable;
      },
    };
    this.stream = variant === 'sotw' ? new SotwStream(sink, this.log) : new DeltaStream(sink, this.log);
  }

  serve(target: CompiledSnapshot | null, history?: ClaimHistory): this {
    this.stream.serve(target, history);
    return this;
  }

  /** First request of a type, with what the client claims to have from before. */
  open(kind: ResourceKind, { names = [], version = '', versions = {} }: Reconnect = {}): this {
    this.wants.set(kind, [...names]);
    this.request(kind, { names, subscribe: names, version, versions });
    return this;
  }

  /** Changes the names that the client wants, in a request of its own or with an ACK. */
  want(kind: ResourceKind, names: readonly string[], nonce = this.last(kind)?.nonce ?? ''): this {
    const before = this.wants.get(kind) ?? [];
    this.wants.set(kind, [...names]);
    const subscribe = names.filter((name) => !before.includes(name));
    const unsubscribe = before.filter((name) => !names.includes(name));
    this.request(kind, { names, subscribe, unsubscribe, nonce });
    return this;
  }

  /** Sends one request as it stands. */
  request(
    kind: ResourceKind,
    request: {
      names?: readonly string[];
      subscribe?: readonly string[];
      unsubscribe?: readonly string[];
      version?: string;
      versions?: Record<string, string>;
      nonce?: string;
      error?: string;
    },
  ): void {
    if (request.nonce) this.answered.add(request.nonce);
    const common = {
      typeUrl: resourceType(kind).typeUrl,
      responseNonce: request.nonce ?? '',
      errorDetail: request.error === undefined ? null : { code: 13, message: request.error },
      node: null,
    };
    if (this.stream instanceof SotwStream) {
      const resourceNames = request.names ?? this.wants.get(kind) ?? [];
      this.stream.onRequest({ ...common, versionInfo: request.version ?? '', resourceNames });
    } else {
      this.stream.onRequest({
        ...common,
        subscribe: request.subscribe ?? [],
        unsubscribe: request.unsubscribe ?? [],
        initialResourceVersions: new Map(Object.entries(request.versions ?? {})),
      });
    }
  }

  ack(kind: ResourceKind): this {
    const response = this.last(kind)!;
    this.request(kind, { nonce: response.nonce, version: response.version });
    return this;
  }

  nack(kind: ResourceKind, error = 'refused'): this {
    this.request(kind, { nonce: this.last(kind)!.nonce, error });
    return this;
  }

  /** Acknowledges whatever comes until the stream is quiet. */
  ackAll(): this {
    for (let i = 0; i < this.responses.length; i++) {
      const { kind, nonce } = this.responses[i]!;
      if (!this.answered.has(nonce)) this.ack(kind);
    }
    return this;
  }

  last(kind: ResourceKind): DecodedResponse | undefined {
    return this.responses.findLast((response) => response.kind === kind);
  }

  /** The responses since the last call, each as "kind name=content -removed". */
  took(): string[] {
    const news = this.responses.slice(this.taken).map(describeResponse);
    this.taken = this.responses.length;
    return news;
  }
}

/** A response on one line: "kind name=content -removed". */
export function describeResponse({ kind, resources, removed }: DecodedResponse): string {
  const contents = [...resources].map(([name, value]) => `${name}=${value}`);
  return [kind, ...contents, ...removed.map((name) => `-${name}`)].join(' ');
}
