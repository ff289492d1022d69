import { MalformedMessage, Reader } from './protobuf.js';
import { readOnce } from './read-once.js';

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
  const names: Buffer[] = [];
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
        addRun(names, reader);
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
  return { typeUrl, versionInfo, resourceNames: namesIn(names), responseNonce, errorDetail, node };
}

/** @throws MalformedMessage */
export function readDeltaRequest(bytes: Buffer): DeltaRequest {
  const reader = new Reader(bytes);
  const subscribe: Buffer[] = [];
  const unsubscribe: Buffer[] = [];
  const versions: Buffer[] = [];
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
        addRun(subscribe, reader);
        break;
      case 4:
        addRun(unsubscribe, reader);
        break;
      case 5:
        addRun(versions, reader);
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
  return {
    typeUrl,
    subscribe: namesIn(subscribe),
    unsubscribe: namesIn(unsubscribe),
    initialResourceVersions: versionsIn(versions),
    responseNonce,
    errorDetail,
    node,
  };
}

/** Takes what stands together; who writes a list in more pieces than it may have entries is no writer of protobuf. */
function addRun(runs: Buffer[], reader: Reader): void {
  if (runs.length >= REQUEST_LIMITS.names) throw tooManyNames();
  runs.push(reader.run());
}

const NO_NAMES: readonly string[] = [];
const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

function namesIn(runs: readonly Buffer[]): readonly string[] {
  return runs.length === 0 ? NO_NAMES : readNames(joined(runs));
}

function versionsIn(runs: readonly Buffer[]): ReadonlyMap<string, string> {
  return runs.length === 0 ? NO_VERSIONS : readVersions(joined(runs));
}

const joined = (runs: readonly Buffer[]): Buffer => (runs.length === 1 && runs[0]) || Buffer.concat(runs);

const readNames = readOnce((bytes): readonly string[] => {
  const reader = new Reader(bytes);
  const names: string[] = [];
  while (reader.next()) {
    if (names.length >= REQUEST_LIMITS.names) throw tooManyNames();
    names.push(reader.string(REQUEST_LIMITS.nameBytes));
  }
  return names;
});

/** Entries of a `map<string, string>`: messages with the key as field 1 and the value as field 2. */
const readVersions = readOnce((bytes): ReadonlyMap<string, string> => {
  const reader = new Reader(bytes);
  const versions = new Map<string, string>();
  while (reader.next()) {
    if (versions.size >= REQUEST_LIMITS.names) throw tooManyNames();
    const entry = new Reader(reader.bytesField());
    let [name, version] = ['', ''];
    while (entry.next()) {
      if (entry.field === 1) name = entry.string(REQUEST_LIMITS.nameBytes);
      else if (entry.field === 2) version = entry.string(REQUEST_LIMITS.versionBytes);
      else entry.skip();
    }
    versions.set(name, version);
  }
  return versions;
});

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
