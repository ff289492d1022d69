import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DocumentRefused } from './document-refused.js';
import { MAX_DEPTH, shapeFinding } from './document-shape.js';
import { type DocumentFormat, parseDocument } from './parse-document.js';

const ruleOf = async (text: string, format: DocumentFormat): Promise<string> => {
  try {
    await parseDocument(text, format);
  } catch (error) {
    if (error instanceof DocumentRefused) return error.finding.rule;
    throw error;
  }
  return 'accepted';
};
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const LAUGHS = [
  'a0: &a0 [x, x]',
  ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`),
].join('\n');

describe('parseDocument', () => {
  it('reads JSON and YAML into the same data', async () => {
    const data = { snapshot: { clusters: [{ name: 'a', connect_timeout: '1s' }] }, n: 1.5, none: null };
    expect(await parseDocument(JSON.stringify(data), 'json')).toEqual(data);
    expect(
      await parseDocument('snapshot:\n  clusters: [{name: a, connect_timeout: 1s}]\nn: 1.5\nnone: ~\n', 'yaml'),
    ).toEqual(data);
  });

  it('reads a large YAML text in a thread', async () => {
    const text = Array.from({ length: 20_000 }, (_, i) => `- { name: cluster-${i} }`).join('\n');
    const data = (await parseDocument(text, 'yaml')) as { name: string }[];
    expect(data).toHaveLength(20_000);
    expect(data.at(-1)).toEqual({ name: 'cluster-19999' });
  });

  it.each<[string, string, DocumentFormat, string]>([
    ['text that is not JSON', '{"a": ', 'json', 'document.json'],
    ['JSON nested too deeply', nested(MAX_DEPTH + 1), 'json', 'document.depth'],
    ['JSON nested absurdly', nested(1_000_000), 'json', 'document.depth'],
    ['a prototype key', '{"a": {"__proto__": {"admin": true}}}', 'json', 'document.key'],
    ['a constructor key', '{"constructor": {"prototype": {}}}', 'json', 'document.key'],
    ['a duplicate key', '{"a": [{"b": 1, "b": 2}]}', 'json', 'document.duplicate-key'],
    ['a duplicate key in another spelling', '{"a": 1, "\\u0061": 2}', 'json', 'document.duplicate-key'],
    ['text that is not YAML', 'a: [b', 'yaml', 'document.yaml'],
    ['duplicate YAML keys', 'a: 1\na: 2', 'yaml', 'document.yaml'],
    ['a prototype key in YAML', '__proto__: {admin: true}', 'yaml', 'document.key'],
    ['billion laughs', LAUGHS, 'yaml', 'document.yaml'],
    ['billion laughs in a large text', `${LAUGHS}\n# ${'x'.repeat(200_000)}`, 'yaml', 'document.yaml'],
    ['YAML nested absurdly', nested(100_000), 'yaml', 'document.yaml'],
    ['YAML that is too long', `# ${'x'.repeat(4 * 1024 * 1024)}`, 'yaml', 'document.size'],
    ['YAML aliases that make a circle', 'a: &a [*a]', 'yaml', 'document.depth'],
    ['several YAML documents', 'a: 1\n---\nb: 2', 'yaml', 'document.yaml'],
  ])('refuses %s', async (_, text, format, rule) => {
    expect(await ruleOf(text, format)).toBe(rule);
  });

  it('says where YAML stops being YAML', async () => {
    await expect(parseDocument('a: 1\nb: [1, 2\n', 'yaml')).rejects.toThrow(/line 3, column 1|line 2/);
  });
});

describe('duplicate keys in JSON', () => {
  const pointerOf = async (text: string): Promise<string> => {
    const refusal: unknown = await parseDocument(text, 'json').catch((error: unknown) => error);
    return refusal instanceof DocumentRefused ? refusal.finding.pointer : 'accepted';
  };

  it('are pointed at', async () => {
    expect(await pointerOf('{"a":{},"x":[0,{"a/b":"","c":[],"a/b":{}}],"a":1}')).toBe('/x/1/a~1b');
    expect(await pointerOf('{"a":{"k":1},"b":[{"k":1},{"k":2}],"k":"\\"k\\":"}')).toBe('accepted');
    expect(await pointerOf('[{"a":"\\\\","b":":"},"x:", {"a":"}"}]')).toBe('accepted');
  });

  it('are found in whatever data, and only there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), async (data) => {
        const text = JSON.stringify(data, null, 1);
        fc.pre(!/__proto__|constructor|prototype/.test(text));
        expect(await pointerOf(text)).toBe('accepted');
        const twice = `{"twice": ${text}, "t\\u0077ice" : 1}`;
        expect(await pointerOf(twice)).toBe('/twice');
      }),
    );
  });
});

describe('shapeFinding', () => {
  it('points at the key', () => {
    expect(shapeFinding({ a: [{ 'b/c': { prototype: 1 } }] })).toMatchObject({
      pointer: '/a/0/b~1c/prototype',
      rule: 'document.key',
    });
    expect(shapeFinding({ a: [1, 'x', null] })).toBeUndefined();
  });
});
