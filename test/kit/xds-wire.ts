import { type ResourceKind, resourceTypeOf } from '../../src/xds/resource-types.js';
import { bytesHeader, Reader, stringField, varint } from '../../src/xds/server/wire/protobuf.js';

/** A response of either variant as a client reads it. */
export interface DecodedResponse {
  readonly kind: ResourceKind;
  readonly version: string;
  readonly nonce: string;
  /** Contents by name; in state of the world the name is what `nameOf` reads from the content. */
  readonly resources: ReadonlyMap<string, string>;
  /** Versions by name, incremental only. */
  readonly versions: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
}

/** In state of the world a response does not say names, so test content is "name:content" or just a content. */
function nameAndContent(text: string): [string, string] {
  const at = text.indexOf(':');
  return at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + 1)];
}

export function decodeSotwResponse(frame: Buffer): DecodedResponse {
  const reader = new Reader(frame);
  let [version, typeUrl, nonce] = ['', '', ''];
  const resources = new Map<string, string>();
  while (reader.next()) {
    if (reader.field === 1) version = reader.string(1_000);
    else if (reader.field === 2) resources.set(...nameAndContent(decodeAny(reader.bytesField())));
    else if (reader.field === 4) typeUrl = reader.string(1_000);
    else if (reader.field === 5) nonce = reader.string(1_000);
    else reader.skip();
  }
  return { kind: resourceTypeOf(typeUrl)!.kind, version, nonce, resources, versions: new Map(), removed: [] };
}

export function decodeDeltaResponse(frame: Buffer): DecodedResponse {
  const reader = new Reader(frame);
  let [version, typeUrl, nonce] = ['', '', ''];
  const resources = new Map<string, string>();
  const versions = new Map<string, string>();
  const removed: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) version = reader.string(1_000);
    else if (reader.field === 2) {
      const resource = decodeResource(reader.bytesField());
      resources.set(resource.name, nameAndContent(resource.value)[1]);
      versions.set(resource.name, resource.version);
    } else if (reader.field === 4) typeUrl = reader.string(1_000);
    else if (reader.field === 5) nonce = reader.string(1_000);
    else if (reader.field === 6) removed.push(reader.string(10_000));
    else reader.skip();
  }
  return { kind: resourceTypeOf(typeUrl)!.kind, version, nonce, resources, versions, removed };
}

function decodeResource(bytes: Buffer): { name: string; version: string; value: string } {
  const reader = new Reader(bytes);
  let [name, version, value] = ['', '', ''];
  while (reader.next()) {
    if (reader.field === 1) version = reader.string(1_000);
    else if (reader.field === 2) value = decodeAny(reader.bytesField());
    else if (reader.field === 3) name = reader.string(10_000);
    else reader.skip();
  }
  return { name, version, value };
}

function decodeAny(bytes: Buffer): string {
  const reader = new Reader(bytes);
  let value = '';
  while (reader.next()) {
    if (reader.field === 2) value = reader.bytesField().toString('utf8');
    else reader.skip();
  }
  return value;
}

function message(field: number, ...parts: Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytesHeader(field, bytes.length), bytes]);
}

interface RequestFields {
  readonly typeUrl: string;
  readonly nonce?: string;
  readonly error?: { readonly code: number; readonly message: string };
  /** An encoded Node; see `encodeNode`. */
  readonly node?: Buffer;
}

export interface SotwRequestFields extends RequestFields {
  readonly version?: string;
  readonly names?: readonly string[];
}

export interface DeltaRequestFields extends RequestFields {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly versions?: Readonly<Record<string, string>>;
}

export function encodeSotwRequest(request: SotwRequestFields): Buffer {
  return Buffer.concat([
    stringField(1, request.version ?? ''),
    ...(request.node ? [message(2, request.node)] : []),
    ...(request.names ?? []).map((name) => message(3, Buffer.from(name))),
    stringField(4, request.typeUrl),
    stringField(5, request.nonce ?? ''),
    ...(request.error ? [message(6, status(request.error))] : []),
  ]);
}

export function encodeDeltaRequest(request: DeltaRequestFields): Buffer {
  return Buffer.concat([
    ...(request.node ? [message(1, request.node)] : []),
    stringField(2, request.typeUrl),
    ...(request.subscribe ?? []).map((name) => message(3, Buffer.from(name))),
    ...(request.unsubscribe ?? []).map((name) => message(4, Buffer.from(name))),
    ...Object.entries(request.versions ?? {}).map(([name, version]) =>
      message(5, stringField(1, name), stringField(2, version)),
    ),
    stringField(6, request.nonce ?? ''),
    ...(request.error ? [message(7, status(request.error))] : []),
  ]);
}

function status({ code, message: text }: { code: number; message: string }): Buffer {
  return Buffer.concat([varint(1 * 8), varint(code), stringField(2, text)]);
}

interface NodeFields {
  readonly id?: string;
  readonly cluster?: string;
  readonly bootId?: string;
  readonly zone?: string;
  readonly version?: readonly number[];
  readonly extensions?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A Node like that of an Envoy, with `extensions` extensions to step over. */
export function encodeNode({
  id = 'p1',
  cluster = 'edge',
  bootId = '',
  zone = '',
  version = [1, 40, 0],
  extensions = 0,
  metadata = {},
}: NodeFields = {}): Buffer {
  const entry = (key: string, value: string): Buffer =>
    message(3, message(1, stringField(1, key), message(2, stringField(3, value))));
  const entries = Object.entries({ ...metadata, ...(bootId && { other: 'x', 'efms.boot_id': bootId }) });
  const numbers = version.flatMap((number, i) => [varint((i + 1) * 8), varint(number)]);
  return Buffer.concat([
    stringField(1, id),
    stringField(2, cluster),
    ...entries.map(([key, value]) => entry(key, value)),
    ...(zone ? [message(4, stringField(1, 'region'), stringField(2, zone))] : []),
    stringField(6, 'envoy'),
    message(8, message(1, ...numbers)),
    ...Array.from({ length: extensions }, (_, i) => message(9, stringField(1, `envoy.filters.http.extension_${i}`))),
  ]);
}
