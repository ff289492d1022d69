import { problems } from '../errors/problem.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Applies a JSON merge patch (RFC 7396): null removes, objects merge, anything else replaces. Neither argument is changed. Keys
 * such as `__proto__` become members like any other and never reach a prototype.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The body of a PATCH, which is checked after merging. @throws ProblemError 400 */
export function patchOf(body: unknown): object {
  if (typeof body === 'object' && body !== null) return body;
  throw problems.badRequest({ detail: 'The body must be a JSON object.' });
}
