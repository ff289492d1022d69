import type { DescField, DescOneof } from '@bufbuild/protobuf';
import { pointerTo } from '../../common/errors/finding.js';

/** One step from a message towards a value in it: a field, the index in a list, or the key of a map entry. */
export type Step = DescField | DescOneof | number | string;

/** Longer pointers are cut at a token: keys of somebody's choice can be of any length. */
const POINTER_LENGTH = 2000;

/** The JSON pointer made of these tokens. */
export function pointerOf(tokens: readonly (string | number)[]): string {
  let pointer = '';
  for (const token of tokens) {
    const next = pointerTo(pointer, token);
    if (next.length > POINTER_LENGTH) break;
    pointer = next;
  }
  return pointer;
}

/**
 * The JSON pointer to a value, in the spelling of the document that was sent: snake_case or camelCase as written, and without an
 * index where one value was given for a list. A field that was not given is pointed at in snake_case; a oneof, by what holds it.
 * @param base tokens that lead from the document to the resource
 */
export function pointerInto(document: unknown, base: readonly (string | number)[], steps: readonly Step[]): string {
  let at = document;
  const tokens = [...base];
  for (const token of base) at = child(at, token);
  for (const step of steps) {
    const token = tokenFor(at, step);
    if (token === undefined) continue;
    tokens.push(token);
    at = child(at, token);
  }
  return pointerOf(tokens);
}

function tokenFor(at: unknown, step: Step): string | number | undefined {
  if (typeof step === 'number') return at === undefined || Array.isArray(at) ? step : undefined;
  if (typeof step === 'string') return step;
  if (step.kind === 'oneof') return undefined;
  return hasKey(at, step.name) || !hasKey(at, step.jsonName) ? step.name : step.jsonName;
}

/** The same for tokens in the spelling of canonical JSON: field names in snake_case, indexes, keys. */
export function pointerToCanonical(document: unknown, canonical: readonly (string | number)[]): string {
  let at = document;
  const tokens: (string | number)[] = [];
  for (const one of canonical) {
    if (typeof one === 'number' && at !== undefined && !Array.isArray(at)) continue;
    const camelCase = String(one).replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const token = !hasKey(at, String(one)) && hasKey(at, camelCase) ? camelCase : one;
    tokens.push(token);
    at = child(at, token);
  }
  return pointerOf(tokens);
}

const hasKey = (at: unknown, key: string): boolean => typeof at === 'object' && at !== null && Object.hasOwn(at, key);

function child(at: unknown, token: string | number): unknown {
  return hasKey(at, String(token)) ? (at as Record<string | number, unknown>)[token] : undefined;
}
