import { bytesFields, field, header } from './protobuf.ts';

export type Protocol = 'sotw' | 'delta';
export type Kind = 'cluster' | 'endpoint' | 'listener' | 'route';

/** In the order in which a stream keeps them. */
export const KINDS: readonly Kind[] = ['cluster', 'endpoint', 'listener', 'route'];

const type = (message: string): string => `type.googleapis.com/envoy.config.${message}`;
const TYPE_URLS: Readonly<Record<Kind, string>> = {
  cluster: type('cluster.v3.Cluster'),
  endpoint: type('endpoint.v3.ClusterLoadAssignment'),
  listener: type('listener.v3.Listener'),
  route: type('route.v3.RouteConfiguration'),
};

const numbers = new Map(KINDS.map((kind, number) => [TYPE_URLS[kind], number]));

/** The place of a type in `KINDS`; throws for one that nobody asked for. */
export function numberOf(typeUrl: string): number {
  const number = numbers.get(typeUrl);
  if (number === undefined) throw new Error(`a response of the type ${typeUrl}`);
  return number;
}

/** What a client has from before, as it says it in its first request of a type. */
export interface Claim {
  /** State of the world. */
  readonly version: string;
  /** Incremental: versions by name, encoded. */
  readonly versions: Buffer;
}

/** An encoded node in parts; none where nothing is to be said of it. */
export type Node = readonly Buffer[];

/** The parts of requests that do not differ between streams, made once. */
export class Requests {
  private readonly protocol: Protocol;
  private readonly names: readonly Buffer[];
  private readonly types: readonly Buffer[];

  /** @param names that are asked for, by kind; none for all that there are */
  constructor(protocol: Protocol, names: Readonly<Partial<Record<Kind, readonly string[]>>>) {
    this.protocol = protocol;
    this.names = KINDS.map((kind) => Buffer.concat((names[kind] ?? []).map((name) => field(3, name))));
    this.types = KINDS.map((kind) => field(protocol === 'sotw' ? 4 : 2, TYPE_URLS[kind]));
  }

  /** The first request of a type on a stream. */
  first(kind: number, node: Node, claim: Claim | undefined): Buffer {
    if (this.protocol === 'delta') {
      return message([...nodeField(1, node), this.type(kind), this.name(kind), claim?.versions ?? EMPTY]);
    }
    return message([versionField(claim?.version ?? ''), ...nodeField(2, node), this.name(kind), this.type(kind)]);
  }

  /** The ACK of a response. */
  ack(kind: number, { version, nonce }: { readonly version: string; readonly nonce: string }, node: Node): Buffer {
    if (this.protocol === 'delta') return message([...nodeField(1, node), this.type(kind), field(6, nonce)]);
    const type = this.type(kind);
    return message([versionField(version), ...nodeField(2, node), this.name(kind), type, field(5, nonce)]);
  }

  private type(kind: number): Buffer {
    return this.types[kind] ?? EMPTY;
  }

  private name(kind: number): Buffer {
    return this.names[kind] ?? EMPTY;
  }
}

const EMPTY = Buffer.alloc(0);
export const nodeField = (number: number, node: Node): readonly Buffer[] =>
  node.length === 0
    ? []
    : [
        header(
          number,
          node.reduce((sum, part) => sum + part.length, 0),
        ),
        ...node,
      ];
const versionField = (version: string): Buffer => (version === '' ? EMPTY : field(1, version));

/** A gRPC message: its length, and its fields. */
export function message(parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = Buffer.allocUnsafe(5 + length);
  bytes[0] = 0;
  let at = bytes.writeUInt32BE(length, 1);
  for (const part of parts) at += part.copy(bytes, at);
  return bytes;
}

const NODE_ID = 1;

/** The node that a real Envoy sent, as a whole, with another id. All share what is equal: it is 61 KB. */
export function nodeOf(recorded: Buffer): (id: string) => Node {
  const others = [...bytesFields(recorded)].filter(({ number }) => number !== NODE_ID);
  const rest = Buffer.concat(others.map(({ number, bytes }) => field(number, bytes)));
  return (id) => [field(NODE_ID, id), rest];
}

/** `initial_resource_versions` of an incremental request. */
export const encodeVersions = (versions: ReadonlyMap<string, string>): Buffer =>
  Buffer.concat([...versions].map(([name, version]) => field(5, Buffer.concat([field(1, name), field(2, version)]))));

/**
 * Header fields of a stream in HPACK, none of them indexed or compressed: what a server has to do to read them is then the same for
 * all of them.
 */
export function headersOf(protocol: Protocol, token: string): Buffer {
  const method = protocol === 'sotw' ? 'StreamAggregatedResources' : 'DeltaAggregatedResources';
  return headersFor(`/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`, token);
}

/** The same of any method. */
export function headersFor(path: string, token: string): Buffer {
  const METHOD_POST = 0x83;
  const SCHEME_HTTP = 0x86;
  return Buffer.concat([
    Buffer.from([METHOD_POST, SCHEME_HTTP]),
    literal(':path', path),
    literal(':authority', 'xds'),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
    ...(token === '' ? [] : [literal('authorization', `Bearer ${token}`)]),
  ]);
}

const literal = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0]), text(name), text(value)]);

/** A string literal: its length with a prefix of seven bits, and its bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const head: number[] = [127];
  let left = bytes.length - 127;
  while (left >= 128) {
    head.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  return Buffer.concat([Buffer.from([...head, left]), bytes]);
}
