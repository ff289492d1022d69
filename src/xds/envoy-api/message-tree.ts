import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';

/** A message whose fields are read by the local names of its descriptor. */
export type Fields = Message & Record<string, unknown>;

/** A message together with its type. */
export interface TypedMessage {
  readonly type: DescMessage;
  readonly message: Fields;
}

/**
 * What is known of decoded messages beside their fields: the message inside each `google.protobuf.Any` and `TypedStruct`, so that
 * it is decoded once, and which messages lack something that the document had but could not be read.
 */
export class MessageTree {
  private readonly contents = new WeakMap<Message, TypedMessage>();
  private readonly damaged = new WeakSet<Message>();

  setContent(holder: Message, content: TypedMessage): void {
    this.contents.set(holder, content);
  }

  contentOf(holder: Message): TypedMessage | undefined {
    return this.contents.get(holder);
  }

  markDamaged(message: Message): void {
    this.damaged.add(message);
  }

  /** Nothing can be concluded from what a damaged message does not have. */
  isDamaged(message: Message): boolean {
    return this.damaged.has(message);
  }
}

export const ANY = 'google.protobuf.Any';

/** Messages that hold another message as a `Struct` beside its type URL. */
const TYPED_STRUCTS: ReadonlySet<string> = new Set(['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct']);

export const isTypedStruct = (type: DescMessage): boolean => TYPED_STRUCTS.has(type.typeName);

/** The value of a field as protobuf-es keeps it; undefined where it is not set or not the selected member of its oneof. */
export function fieldValue(message: Fields, field: DescField): unknown {
  if (!field.oneof) return message[field.localName];
  const selected = message[field.oneof.localName] as { readonly case?: string; readonly value?: unknown };
  return selected.case === field.localName ? selected.value : undefined;
}
