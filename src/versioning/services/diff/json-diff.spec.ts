import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Json, type JsonChange, diffJson } from './json-diff.js';

/** RFC 6902 without its error cases: an independent reading of what the changes mean. */
function patch(document: Json, changes: readonly JsonChange[]): Json {
  const root = { document: structuredClone(document) as unknown };
  for (const change of changes) {
    const tokens = ['document', ...change.pointer.split('/').slice(1).map(unescape)];
    const last = tokens.pop() ?? '';
    const parent = tokens.reduce<unknown>((at, token) => (at as Record<string, unknown>)[token], root);
    if (Array.isArray(parent)) {
      parent.splice(Number(last), change.op === 'add' ? 0 : 1, ...(change.op === 'remove' ? [] : [change.value]));
    } else if (change.op === 'remove') Reflect.deleteProperty(parent as object, last);
    else define(parent as object, last, change.value);
  }
  return root.document as Json;
}

const unescape = (token: string) => token.replaceAll('~1', '/').replaceAll('~0', '~');
const define = (target: object, key: string, value: unknown) =>
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });

const anyJson = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(null, true, false, 0, 1, 'a', ''),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'a/b', '~', '~1', '0', ''), tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('diffJson', () => {
  it('gives changes that turn the first document into the second', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (before, after) => {
        expect(patch(before, diffJson(before, after))).toEqual(after);
      }),
    );
  });

  it('finds nothing between equal documents', () => {
    fc.assert(fc.property(anyJson, (document) => diffJson(document, structuredClone(document)).length === 0));
  });

  it('keeps what was there, so that the changes can be read backwards', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (before, after) => {
        const backwards = diffJson(before, after)
          .reverse()
          .map((change): JsonChange => {
            if (change.op === 'add') return { op: 'remove', pointer: change.pointer, before: change.value };
            if (change.op === 'remove') return { op: 'add', pointer: change.pointer, value: change.before };
            return { op: 'replace', pointer: change.pointer, before: change.value, value: change.before };
          });
        expect(patch(after, backwards)).toEqual(before);
      }),
    );
  });

  it('names the deepest place that differs', () => {
    const before = { hosts: [{ name: 'a', domains: ['x'] }], 'a/b': 1 };
    const after = { hosts: [{ name: 'a', domains: ['x', 'y'] }], 'a/b': 2, added: null };
    expect(diffJson(before, after)).toEqual([
      { op: 'add', pointer: '/hosts/0/domains/1', value: 'y' },
      { op: 'replace', pointer: '/a~1b', before: 1, value: 2 },
      { op: 'add', pointer: '/added', value: null },
    ]);
  });
});
