import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { AnyContents } from './json-reader.js';
import { type MessagePath, stepTo } from './message-path.js';

/** Called for every message of a tree, the root first, and for each of its fields that are set. */
export interface Visitor {
  message?(message: ReflectMessage, path: MessagePath | null): void;
  field?(field: DescField, message: ReflectMessage, path: MessagePath): void;
}

/** Walks a message and everything inside it, also the messages inside its Any fields. */
export function walk(desc: DescMessage, message: Message, contents: AnyContents, visitor: Visitor): void {
  visit(reflect(desc, message), null, contents, visitor);
}

function visit(message: ReflectMessage, path: MessagePath | null, contents: AnyContents, visitor: Visitor): void {
  const inner = message.desc.typeName === 'google.protobuf.Any' ? contents.get(message.message as Any) : undefined;
  if (inner) {
    visit(reflect(inner.desc, inner.message), stepTo(path, 'any'), contents, visitor);
    return;
  }
  visitor.message?.(message, path);
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const at = stepTo(path, field);
    visitor.field?.(field, message, at);
    if (field.message) visitChildren(message, field, at, contents, visitor);
  }
}

function visitChildren(
  message: ReflectMessage,
  field: DescField,
  at: MessagePath,
  contents: AnyContents,
  visitor: Visitor,
): void {
  if (field.fieldKind === 'message') {
    visit(message.get(field), at, contents, visitor);
  } else if (field.fieldKind === 'list') {
    let i = 0;
    for (const item of message.get(field)) visit(item as ReflectMessage, stepTo(at, i++), contents, visitor);
  } else if (field.fieldKind === 'map') {
    for (const [key, value] of message.get(field)) {
      visit(value as ReflectMessage, stepTo(at, { key: String(key) }), contents, visitor);
    }
  }
}
