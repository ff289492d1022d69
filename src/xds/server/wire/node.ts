import { Reader } from './protobuf.js';

/** What a proxy says about itself. A claim to compare with the credential, never an identity. */
export interface NodeClaim {
  readonly id: string;
  readonly cluster: string;
  /** `metadata["efms.boot_id"]`, which the start command adds: a new value is a new process. */
  readonly bootId: string | null;
  readonly userAgentName: string;
  /** "1.40.0", from `user_agent_build_version` or, without it, `user_agent_version`. */
  readonly userAgentVersion: string;
  readonly zone: string;
}

const BOOT_ID_KEY = 'efms.boot_id';
const TEXT_BYTES = 1_024;

/**
 * Reads the few fields of `envoy.config.core.v3.Node` that EFMS uses and steps over the rest: an Envoy lists its 516
 * extensions here, 61 KB, so it is read at most once per stream.
 * @throws MalformedMessage
 */
export function readNode(bytes: Buffer): NodeClaim {
  const reader = new Reader(bytes);
  let [id, cluster, zone, userAgentName, versionText, buildVersion] = ['', '', '', '', '', ''];
  let bootId: string | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        id = reader.string(TEXT_BYTES);
        break;
      case 2:
        cluster = reader.string(TEXT_BYTES);
        break;
      case 3:
        bootId = readBootId(reader.bytesField());
        break;
      case 4:
        zone = readString(reader.bytesField(), 2);
        break;
      case 6:
        userAgentName = reader.string(TEXT_BYTES);
        break;
      case 7:
        versionText = reader.string(TEXT_BYTES);
        break;
      case 8:
        buildVersion = readBuildVersion(reader.bytesField());
        break;
      default:
        reader.skip();
    }
  }
  return { id, cluster, bootId, userAgentName, userAgentVersion: buildVersion || versionText, zone };
}

/**
 * The id alone, which a writer puts first: so later nodes of a stream are compared without reading them.
 * @throws MalformedMessage
 */
export function readNodeId(bytes: Buffer): string {
  const reader = new Reader(bytes);
  while (reader.next()) {
    if (reader.field === 1) return reader.string(TEXT_BYTES);
    reader.skip();
  }
  return '';
}

/** The boot id in a `google.protobuf.Struct`: field 1 is `map<string, Value>`, field 3 of a Value its string. */
function readBootId(struct: Buffer): string | null {
  const entries = new Reader(struct);
  while (entries.next()) {
    if (entries.field !== 1) {
      entries.skip();
      continue;
    }
    const entry = new Reader(entries.bytesField());
    let isBootId = false;
    let value: Buffer | null = null;
    while (entry.next()) {
      if (entry.field === 1) isBootId = entry.bytesField().toString('utf8') === BOOT_ID_KEY;
      else if (entry.field === 2) value = entry.bytesField();
      else entry.skip();
    }
    if (isBootId && value) return readString(value, 3) || null;
  }
  return null;
}

/** `BuildVersion.version`, a SemanticVersion, as text. */
function readBuildVersion(bytes: Buffer): string {
  const reader = new Reader(bytes);
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const numbers = [0, 0, 0];
    const version = new Reader(reader.bytesField());
    while (version.next()) {
      if (version.field >= 1 && version.field <= 3) numbers[version.field - 1] = version.int32();
      else version.skip();
    }
    return numbers.join('.');
  }
  return '';
}

function readString(bytes: Buffer, field: number): string {
  const reader = new Reader(bytes);
  let text = '';
  while (reader.next()) {
    if (reader.field === field) text = reader.string(TEXT_BYTES);
    else reader.skip();
  }
  return text;
}
