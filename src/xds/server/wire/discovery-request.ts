import { MalformedMessage, Reader } from './protobuf.js';

/**
 * How much of a request EFMS reads. The bounds are far above what an Envoy sends (a few thousand names of some hundred bytes)
 * and keep what one peer can make the server remember finite.
 */
export const REQUEST_LIMITS = {
  /** Names in one list of one request, and names that a stream may subscribe to in one type. */
  names: 20_000,
  nameBytes: 2_048,
  versionBytes: 512,
  nonceBytes: 256,
  typeUrlBytes: 512,
} as const;

/** `google.rpc.Status` of a refused response. The message is the peer's: hostile, and for some refusals it carries secrets. */
export interface ErrorDetail {
  readonly code: number;
  readonly message: string;
}

interface CommonRequest {
  readonly typeUrl: string;
  readonly responseNonce: string;
  /** Present exactly where the request refuses a response: its presence, and nothing else, is a NACK. */
  readonly errorDetail: ErrorDetail | null;
  /** The encoded node, a view of the request; read by `readNode` once per stream, of later ones the id only. */
  readonly node: Buffer | null;
}

/** The fields of `envoy.service.discovery.v3.DiscoveryRequest` that the state-of-the-world variant uses. */
export interface SotwRequest extends CommonRequest {
  readonly versionInfo: string;
  readonly resourceNames: readonly string[];
}

/** The fields of `envoy.service.discovery.v3.DeltaDiscoveryRequest` that the incremental variant uses. */
export interface DeltaRequest extends CommonRequest {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialResourceVersions: ReadonlyMap<string, string>;
}

/** @throws MalformedMessage */
export function readSotwRequest(bytes: Buffer): SotwRequest {
  const reader = new Reader(bytes);
  const names: string[] = [];
  let [versionInfo, typeUrl, responseNonce] = ['', '', ''];
  let errorDetail: ErrorDetail | null = null;
  let node: Buffer | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        versionInfo = reader.string(REQUEST_LIMITS.versionBytes);
        break;
      case 2:
        node = reader.bytesField();
        break;
      case 3:
        addName(names, reader);
        break;
      case 4:
        typeUrl = reader.string(REQUEST_LIMITS.typeUrlBytes);
        break;
      case 5:
        responseNonce = reader.string(REQUEST_LIMITS.nonceBytes);
        break;
      case 6:
        errorDetail = readStatus(reader.bytesField());
        break;
      default:
        reader.skip();
    }
  }
  return { typeUrl, versionInfo, resourceNames: names, responseNonce, errorDetail, node };
}

/** @throws MalformedMessage */
export function readDeltaRequest(bytes: Buffer): DeltaRequest {
  const reader = new Reader(bytes);
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const initialResourceVersions = new Map<string, string>();
  let [typeUrl, responseNonce] = ['', ''];
  let errorDetail: ErrorDetail | null = null;
  let node: Buffer | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        node = reader.bytesField();
        break;
      case 2:
        typeUrl = reader.string(REQUEST_LIMITS.typeUrlBytes);
        break;
      case 3:
        addName(subscribe, reader);
        break;
      case 4:
        addName(unsubscribe, reader);
        break;
      case 5:
        addVersion(initialResourceVersions, reader.bytesField());
        break;
      case 6:
        responseNonce = reader.string(REQUEST_LIMITS.nonceBytes);
        break;
      case 7:
        errorDetail = readStatus(reader.bytesField());
        break;
      default:
        reader.skip();
    }
  }
  return { typeUrl, subscribe, unsubscribe, initialResourceVersions, responseNonce, errorDetail, node };
}

function addName(names: string[], reader: Reader): void {
  if (names.length >= REQUEST_LIMITS.names) throw tooManyNames();
  names.push(reader.string(REQUEST_LIMITS.nameBytes));
}

/** One entry of a `map<string, string>`: a message with the key as field 1 and the value as field 2. */
function addVersion(versions: Map<string, string>, entry: Buffer): void {
  if (versions.size >= REQUEST_LIMITS.names) throw tooManyNames();
  const reader = new Reader(entry);
  let [name, version] = ['', ''];
  while (reader.next()) {
    if (reader.field === 1) name = reader.string(REQUEST_LIMITS.nameBytes);
    else if (reader.field === 2) version = reader.string(REQUEST_LIMITS.versionBytes);
    else reader.skip();
  }
  versions.set(name, version);
}

function readStatus(bytes: Buffer): ErrorDetail {
  const reader = new Reader(bytes);
  let code = 0;
  let message = '';
  while (reader.next()) {
    if (reader.field === 1) code = reader.int32();
    else if (reader.field === 2) message = reader.bytesField().toString('utf8');
    else reader.skip();
  }
  return { code, message };
}

export function tooManyNames(): MalformedMessage {
  return new MalformedMessage(`more than ${REQUEST_LIMITS.names} resource names`);
}
