import type { DescField } from '@bufbuild/protobuf';
import { pointerTo } from '../../common/errors/finding.js';
import { isObject } from './json-reader.js';

/** A step into a message: a field, an item of a list, a key of a map, or into the message inside an Any. */
export type Step = DescField | number | { readonly key: string } | 'any';

/** Where something stands in a message, as a chain so that walking down allocates one small object per step. */
export interface MessagePath {
  readonly parent: MessagePath | null;
  readonly step: Step;
}

export const stepTo = (parent: MessagePath | null, step: Step): MessagePath => ({ parent, step });

/**
 * The JSON pointer to a place of a message in the document that it was read from: fields as the writer spelled them, no index
 * where one value stands for a list, and no step for Any, whose fields stand beside its `@type`.
 */
export function pointerOf(path: MessagePath | null, document: unknown, base: string): string {
  let pointer = base;
  let json = document;
  for (const step of stepsOf(path)) {
    const token = tokenOf(step, json);
    if (token === undefined) continue;
    pointer = pointerTo(pointer, token);
    json = (json as Record<string, unknown> | undefined)?.[token];
  }
  return pointer;
}

function stepsOf(path: MessagePath | null): Step[] {
  const steps: Step[] = [];
  for (let at = path; at; at = at.parent) steps.push(at.step);
  return steps.reverse();
}

function tokenOf(step: Step, json: unknown): string | undefined {
  if (step === 'any') return isObject(json) && Object.keys(json).length === 2 && 'value' in json ? 'value' : undefined;
  if (typeof step === 'number') return Array.isArray(json) ? String(step) : undefined;
  if ('key' in step) return step.key;
  return isObject(json) && !(step.name in json) && step.jsonName in json ? step.jsonName : step.name;
}
