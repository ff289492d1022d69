import { type Finding, pointerTo } from '../errors/finding.js';

/** Deepest nesting that is read. Real Envoy configurations stay under 40; a stack is not spent on the rest. */
export const MAX_DEPTH = 100;

/** Keys that mean something to JavaScript's objects; nobody names a field so by accident. */
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Checks data that a parser made of somebody's text: not too deep, and without keys that reach into prototypes. Iterative, so
 * that depth costs no stack, and ends at the first finding.
 */
export function shapeFinding(root: unknown): Finding | undefined {
  const pending: { value: unknown; pointer: string; depth: number }[] = [{ value: root, pointer: '', depth: 0 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, pointer, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) {
      return finding(pointer.slice(0, 200), 'document.depth', `nested deeper than ${MAX_DEPTH} levels; flatten it`);
    }
    for (const [key, child] of Object.entries(value)) {
      if (PROTOTYPE_KEYS.has(key)) {
        return finding(pointerTo(pointer, key), 'document.key', `the key "${key}" is not allowed; rename it`);
      }
      if (typeof child === 'object' && child !== null) {
        pending.push({ value: child, pointer: pointerTo(pointer, key), depth: depth + 1 });
      }
    }
  }
  return undefined;
}

const finding = (pointer: string, rule: string, detail: string): Finding => ({
  pointer,
  rule,
  detail,
  severity: 'error',
});
