import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { ANY, type Fields, type MessageTree, type TypedMessage, fieldValue } from './message-tree.js';
import type { Step } from './place.js';

/** A message on the way through a tree, with what is around it. */
export interface Visited extends TypedMessage {
  /** From the resource to this message. */
  readonly steps: readonly Step[];
  /** The message that holds this one in a field; a message inside an Any has the holder of the Any. */
  readonly parent: Visited | undefined;
}

/** Called for every message of a tree, parents first. `steps` is only valid during the call. */
export type Visitor = (visited: Visited) => void;

const isOpaque = (type: DescMessage): boolean =>
  isWrapperDesc(type) || (type.typeName.startsWith('google.protobuf.') && type.typeName !== ANY);

/** Walks through messages by reflection. Which fields hold messages is found out once per message type. */
export class MessageWalker {
  private readonly fields = new Map<DescMessage, readonly DescField[]>();

  walk(root: TypedMessage, tree: MessageTree, visit: Visitor): void {
    const steps: Step[] = [];
    const enter = ({ type, message }: TypedMessage, parent: Visited | undefined): void => {
      const content = tree.contentOf(message);
      if (content && type.typeName === ANY) {
        enter(content, parent);
        return;
      }
      const visited: Visited = { type, message, steps, parent };
      visit(visited);
      const under = (step: Step, below: TypedMessage): void => {
        steps.push(step);
        enter(below, visited);
        steps.pop();
      };
      if (content) under('value', content);
      for (const field of this.messageFields(type)) {
        if (!field.message) continue;
        const value = fieldValue(message, field);
        if (typeof value !== 'object' || value === null) continue;
        if (field.fieldKind === 'message') {
          under(field, { type: field.message, message: value as Fields });
          continue;
        }
        steps.push(field);
        const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
        for (const key of keys) {
          under(key, { type: field.message, message: (value as Record<string | number, Fields>)[key] as Fields });
        }
        steps.pop();
      }
    };
    enter(root, undefined);
  }

  private messageFields(type: DescMessage): readonly DescField[] {
    let fields = this.fields.get(type);
    if (!fields) {
      fields = type.fields.filter((field) => field.message && !isOpaque(field.message));
      this.fields.set(type, fields);
    }
    return fields;
  }
}
