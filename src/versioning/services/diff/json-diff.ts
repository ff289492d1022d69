import { pointerTo } from '../../../common/errors/finding.js';

/** Plain data as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** One difference at an RFC 6901 pointer. In order they are an RFC 6902 patch, with what was there before added. */
export type JsonChange =
  | { readonly op: 'add'; readonly pointer: string; readonly value: Json }
  | { readonly op: 'remove'; readonly pointer: string; readonly before: Json }
  | { readonly op: 'replace'; readonly pointer: string; readonly before: Json; readonly value: Json };

/**
 * What turns one document into another: applied one after the other to `before`, the changes give `after`. Arrays are compared by
 * position; what is longer than the other is added or removed at the end, last first.
 */
export function diffJson(before: Json, after: Json, pointer = ''): JsonChange[] {
  if (Object.is(before, after)) return [];
  if (isArray(before) && isArray(after)) return diffArrays(before, after, pointer);
  if (isObject(before) && isObject(after)) return diffObjects(before, after, pointer);
  return [{ op: 'replace', pointer, before, value: after }];
}

function diffArrays(before: readonly Json[], after: readonly Json[], pointer: string): JsonChange[] {
  const common = Math.min(before.length, after.length);
  const changes: JsonChange[] = [];
  for (let i = 0; i < common; i += 1) {
    changes.push(...diffJson(before[i] ?? null, after[i] ?? null, pointerTo(pointer, i)));
  }
  for (let i = before.length - 1; i >= common; i -= 1) {
    changes.push({ op: 'remove', pointer: pointerTo(pointer, i), before: before[i] ?? null });
  }
  for (let i = common; i < after.length; i += 1) {
    changes.push({ op: 'add', pointer: pointerTo(pointer, i), value: after[i] ?? null });
  }
  return changes;
}

function diffObjects(before: JsonObject, after: JsonObject, pointer: string): JsonChange[] {
  const changes: JsonChange[] = [];
  for (const [key, value] of Object.entries(before)) {
    const at = pointerTo(pointer, key);
    if (!Object.hasOwn(after, key)) changes.push({ op: 'remove', pointer: at, before: value });
    else changes.push(...diffJson(value, after[key] ?? null, at));
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) changes.push({ op: 'add', pointer: pointerTo(pointer, key), value });
  }
  return changes;
}

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
