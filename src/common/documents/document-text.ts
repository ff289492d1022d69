import { type Finding, pointerTo } from '../errors/finding.js';
import { LargeDocument } from './large-document.js';

/** An object or array on the way, by what it is in. */
interface Place {
  readonly value: object;
  readonly parent: Place | undefined;
  readonly key: string;
}

/**
 * Finds a text, a key's or a value's, that PostgreSQL cannot store: with NUL, or with half of a surrogate pair. Such texts mean
 * nothing in any field, so they are refused before anything is done with them. Ends at the first.
 */
export function textFinding(root: unknown): Finding | undefined {
  if (typeof root !== 'object' || root === null) return undefined;
  const pending: Place[] = [{ value: root, parent: undefined, key: '' }];
  for (let place = pending.pop(); place; place = pending.pop()) {
    for (const [key, child] of Object.entries(place.value) as [string, unknown][]) {
      if (child instanceof LargeDocument && child.unstorable) return child.unstorable;
      if (!isStorable(key) || (typeof child === 'string' && !isStorable(child))) return finding(place, key);
      if (typeof child === 'object' && child !== null) pending.push({ value: child, parent: place, key });
    }
  }
  return undefined;
}

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

function finding(place: Place, key: string): Finding {
  const keys = [key];
  for (let at = place; at.parent; at = at.parent) keys.unshift(at.key);
  return {
    pointer: keys.map((one) => one.toWellFormed()).reduce(pointerTo, ''),
    rule: 'request.text',
    detail: 'the text contains NUL or half of a surrogate pair; remove it',
    severity: 'error',
  };
}
