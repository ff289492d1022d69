import { type Finding, pointerTo } from '../errors/finding.js';

/**
 * Finds a key that an object of a JSON text has twice. `JSON.parse` lets the last one win in silence, so that what was checked by eye
 * is not what is deployed. Most texts have none, which shows by counting: as many members as keys.
 * @param text that has been parsed without error, so it is JSON
 * @param data what it was parsed into, of bounded depth
 */
export function duplicateKeyFinding(text: string, data: unknown): Finding | undefined {
  if (memberCount(text) === keyCount(data)) return undefined;
  const pointer = firstDuplicate(text);
  const detail = 'this key is given twice in one object; remove one of them';
  return { pointer, rule: 'document.duplicate-key', detail, severity: 'error' };
}

function keyCount(root: unknown): number {
  let count = 0;
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    const children: unknown[] = Object.values(value);
    if (!Array.isArray(value)) count += children.length;
    for (const child of children) if (typeof child === 'object' && child !== null) pending.push(child);
  }
  return count;
}

function memberCount(text: string): number {
  let count = 0;
  for (let start = text.indexOf('"'); start !== -1;) {
    const end = endOfString(text, start);
    if (text[skipSpace(text, end)] === ':') count++;
    start = text.indexOf('"', end);
  }
  return count;
}

/** An object or list of the text that is not closed yet. */
interface Open {
  readonly pointer: string;
  /** Keys so far; undefined for a list. */
  readonly keys: Set<string> | undefined;
  /** The key or index of what comes. */
  token: string | number;
}

/** The pointer to the first duplicate; empty where there is none. */
function firstDuplicate(text: string): string {
  const open: Open[] = [];
  for (let i = 0; i < text.length; i++) {
    const holder = open.at(-1);
    const char = text[i];
    if (char === '"') {
      const end = endOfString(text, i);
      if (holder?.keys && text[skipSpace(text, end)] === ':') {
        holder.token = JSON.parse(text.slice(i, end)) as string;
        if (holder.keys.has(holder.token)) return pointerTo(holder.pointer, holder.token);
        holder.keys.add(holder.token);
      }
      i = end - 1;
    } else if (char === '{' || char === '[') {
      const pointer = holder ? pointerTo(holder.pointer, holder.token) : '';
      open.push(char === '{' ? { pointer, keys: new Set(), token: '' } : { pointer, keys: undefined, token: 0 });
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (char === ',' && typeof holder?.token === 'number') {
      holder.token++;
    }
  }
  return '';
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, index: number): boolean {
  let first = index;
  while (text[first - 1] === '\\') first--;
  return (index - first) % 2 === 1;
}

function skipSpace(text: string, from: number): number {
  let index = from;
  while (text.charCodeAt(index) <= 32) index++;
  return index;
}
