import { bytesFields } from '../../xds/client/protobuf.ts';
import { type Kind, kindOf, type Protocol } from './kinds.ts';
import { type Resource, resourceOf } from './resource.ts';

export interface Response {
  readonly kind: Kind;
  /** `version_info`, or `system_version_info`. */
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Names of those whose version, as the response says it, is not that of their content. */
  readonly misnamed: readonly string[];
}

const VERSION = 1;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
const REMOVED = 6;

/** Reads a whole response. */
export function readResponse(protocol: Protocol, message: Buffer): Response {
  const texts: Record<number, string> = {};
  const encoded: Buffer[] = [];
  const removed: string[] = [];
  for (const { number, bytes } of bytesFields(message)) {
    if (number === RESOURCES) encoded.push(bytes);
    else if (number === REMOVED && protocol === 'delta') removed.push(bytes.toString());
    else texts[number] = bytes.toString();
  }
  const kind = kindOf(texts[TYPE_URL] ?? '');
  const misnamed: string[] = [];
  const resources = encoded.map((bytes) => {
    const [any, said] = protocol === 'delta' ? wrapped(bytes) : [bytes, undefined];
    const resource = resourceOf(kind, field(any, 2));
    if (!said) return resource;
    if (said.name !== resource.name || !isVersionOf(said.version, kind, resource)) misnamed.push(resource.name);
    return kind === 'secret' ? { ...resource, version: said.version } : resource;
  });
  return { kind, version: texts[VERSION] ?? '', nonce: texts[NONCE] ?? '', resources, removed, misnamed };
}

/** Contents by version, of what is versioned by a secret of EFMS's own: equal contents have equal versions, and other contents others. */
const sealed = new Map<string, string>();

function isVersionOf(said: string, kind: Kind, { version }: Resource): boolean {
  if (kind !== 'secret') return said === version;
  const before = sealed.get(said);
  sealed.set(said, version);
  return before === undefined || before === version;
}

interface Said {
  readonly name: string;
  readonly version: string;
}

/** The `Any` in a `Resource` of the incremental variant, and what is said of it. */
function wrapped(bytes: Buffer): [Buffer, Said] {
  return [field(bytes, 2), { name: field(bytes, 3).toString(), version: field(bytes, 1).toString() }];
}

const EMPTY = Buffer.alloc(0);

function field(message: Buffer, wanted: number): Buffer {
  for (const { number, bytes } of bytesFields(message)) if (number === wanted) return bytes;
  return EMPTY;
}
