import { field, numberField } from '../../xds/client/protobuf.ts';
import { encodeVersions, message, type Node, nodeField } from '../../xds/client/requests.ts';
import { type Kind, type Protocol, typeUrlOf } from './kinds.ts';

/** One request of a client, in terms of both variants. */
export interface Request {
  readonly kind: Kind;
  /** Of the response that it answers; in state of the world that of the last one. */
  readonly nonce: string;
  /** State of the world: the version that it has, and all that it asks for by name. */
  readonly version: string;
  readonly names: readonly string[];
  /** Incremental: how that changed. */
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Incremental, in the first request of a kind: what it has by name. */
  readonly versions: ReadonlyMap<string, string>;
  /** Why it refuses the response. */
  readonly error: string | undefined;
}

const INTERNAL = 13;

/** @param node said with the first request of a stream */
export function encodeRequest(protocol: Protocol, request: Request, node: Node): Buffer {
  const { kind, nonce, version, names, subscribe, unsubscribe, versions, error } = request;
  const status = error === undefined ? [] : [Buffer.concat([numberField(1, INTERNAL), field(2, error)])];
  if (protocol === 'delta') {
    return message([
      ...nodeField(1, node),
      field(2, typeUrlOf(kind)),
      ...subscribe.map((name) => field(3, name)),
      ...unsubscribe.map((name) => field(4, name)),
      encodeVersions(versions),
      ...text(6, nonce),
      ...status.map((each) => field(7, each)),
    ]);
  }
  return message([
    ...text(1, version),
    ...nodeField(2, node),
    ...names.map((name) => field(3, name)),
    field(4, typeUrlOf(kind)),
    ...text(5, nonce),
    ...status.map((each) => field(6, each)),
  ]);
}

const text = (number: number, content: string): readonly Buffer[] => (content === '' ? [] : [field(number, content)]);
