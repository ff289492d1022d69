import { problems } from '../../common/errors/problem.js';
import { Reader } from '../server/wire/protobuf.js';

/** A condition on the node ids of proxies. */
export interface NodeIdMatcher {
  readonly how: 'any' | 'exact' | 'prefix' | 'suffix' | 'contains';
  readonly text: string;
  readonly ignoreCase: boolean;
}

export interface StatusRequest {
  /** A proxy is meant where one of them fits; where there is none, all are. */
  readonly matchers: readonly NodeIdMatcher[];
  readonly withoutContents: boolean;
}

const MAX_MATCHERS = 100;
const MAX_TEXT_BYTES = 1_024;
const ANY: NodeIdMatcher = { how: 'any', text: '', ignoreCase: false };
/** `StringMatcher`: the field of each pattern that is understood. */
const PATTERNS = new Map([
  [1, 'exact'],
  [2, 'prefix'],
  [3, 'suffix'],
  [7, 'contains'],
] as const);

/**
 * Reads an `envoy.service.status.v3.ClientStatusRequest`.
 * @throws MalformedMessage
 * @throws ProblemError 422 for matchers that are not understood
 */
export function readStatusRequest(bytes: Buffer): StatusRequest {
  const reader = new Reader(bytes);
  const matchers: NodeIdMatcher[] = [];
  let withoutContents = false;
  while (reader.next()) {
    if (reader.field === 1) {
      if (matchers.length >= MAX_MATCHERS) throw refused(`At most ${MAX_MATCHERS} node_matchers are read.`);
      matchers.push(readNodeMatcher(reader.bytesField()));
    } else if (reader.field === 3) withoutContents = reader.int32() !== 0;
    else reader.skip();
  }
  return { matchers, withoutContents };
}

function readNodeMatcher(bytes: Buffer): NodeIdMatcher {
  const reader = new Reader(bytes);
  let matcher = ANY;
  while (reader.next()) {
    if (reader.field === 1) matcher = readStringMatcher(reader.bytesField());
    else if (reader.field === 2) {
      throw refused('node_metadatas are not understood: EFMS keeps no node metadata. Match by node_id.');
    } else reader.skip();
  }
  return matcher;
}

function readStringMatcher(bytes: Buffer): NodeIdMatcher {
  const reader = new Reader(bytes);
  let [how, text, ignoreCase]: [NodeIdMatcher['how'] | undefined, string, boolean] = [undefined, '', false];
  while (reader.next()) {
    const pattern = PATTERNS.get(reader.field as 1);
    if (pattern) [how, text] = [pattern, reader.string(MAX_TEXT_BYTES)];
    else if (reader.field === 6) ignoreCase = reader.int32() !== 0;
    else if (reader.field === 5 || reader.field === 8) {
      throw refused('safe_regex and custom are not understood. Match node_id by exact, prefix, suffix or contains.');
    } else reader.skip();
  }
  if (how === undefined || (how !== 'exact' && text === '')) {
    throw refused('A matcher of node_id needs a text in exact, prefix, suffix or contains.');
  }
  return { how, text, ignoreCase };
}

const refused = (detail: string): Error => problems.invalid({ detail });
