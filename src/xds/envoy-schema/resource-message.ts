import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Finding } from '../../common/errors/finding.js';
import type { ResourceType } from '../resource-types.js';
import type { AnyContents } from './json-reader.js';
import { type MessagePath, pointerOf } from './message-path.js';
import type { FoundReference } from './references.js';

/** One resource of a snapshot document, decoded, with the place it came from. */
export interface ResourceMessage {
  readonly type: ResourceType;
  readonly desc: DescMessage;
  readonly name: string;
  readonly message: Message;
  readonly contents: AnyContents;
  readonly references: readonly FoundReference[];
  /** What the writer sent, and where in the document. */
  readonly json: unknown;
  readonly pointer: string;
}

/** A finding at a place inside a resource, pointing into the document. */
export function findingAt(
  resource: ResourceMessage,
  path: MessagePath | null,
  rule: string,
  detail: string,
  severity: Finding['severity'] = 'error',
): Finding {
  return { pointer: pointerOf(path, resource.json, resource.pointer), rule, detail, severity };
}
