import { afterAll, describe, expect, it } from '@jest/globals';
import { Threads } from '../threads/threads.js';
import { documentText } from './document-bytes.js';
import { DocumentRefused } from './document-refused.js';
import { textFinding } from './document-text.js';
import { LargeDocument, readSerialized } from './large-document.js';
import { readLargeBody } from './large-body.js';
import { type DocumentFormat, parseDocument } from './parse-document.js';

const threads = new Threads({ size: 1 });
afterAll(() => threads.beforeApplicationShutdown());

const bytesOf = (body: string | Buffer): Uint8Array => Buffer.from(body);
const read = (body: string | Buffer, format: DocumentFormat = 'json'): Promise<unknown> =>
  readLargeBody(threads, { bytes: bytesOf(body), format, member: 'snapshot' });
const refusalOf = async (reading: Promise<unknown>): Promise<unknown> => {
  const error: unknown = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof DocumentRefused ? error.finding : error;
};

interface Body {
  readonly snapshot: LargeDocument;
}

describe('readLargeBody', () => {
  it('gives the rest as it is, and the document for threads alone', async () => {
    const body = { branch: 'main', expectedHead: null, snapshot: { clusters: [{ name: 'é' }] } };
    const { snapshot, ...rest } = (await read(JSON.stringify(body))) as Body;
    expect(rest).toEqual({ branch: 'main', expectedHead: null });
    expect(snapshot).toBeInstanceOf(LargeDocument);
    expect(readSerialized(snapshot.bytes)).toEqual(body.snapshot);
    expect(Object.entries(snapshot)).toEqual([]);
  });

  it('keeps numbers that YAML has and JSON has not', async () => {
    const { snapshot } = (await read('snapshot: {a: .inf, b: -.inf, c: .nan, d: -0.0}', 'yaml')) as Body;
    expect(readSerialized(snapshot.bytes)).toEqual({ a: Infinity, b: -Infinity, c: NaN, d: -0 });
  });

  it('tells documents apart by their JSON', async () => {
    const one = JSON.stringify(await read('{"snapshot": {"a": 1}}'));
    expect(JSON.stringify(await read('{"snapshot":{"a":1}}'))).toBe(one);
    expect(JSON.stringify(await read('{"snapshot": {"a": 2}}'))).not.toBe(one);
  });

  it.each(['[]', 'null', '"text"', '{"snapshot": []}', '{"snapshot": null}', '{"snapshot": 1}', '{"other": {}}'])(
    'gives %s as it is',
    async (text) => {
      expect(await read(text)).toEqual(JSON.parse(text));
    },
  );

  it('finds text that cannot be stored where it is in the body', async () => {
    const body = { snapshot: { clusters: [{ name: 'a\0b' }] } };
    const large = await read(JSON.stringify(body));
    expect(textFinding(large)).toEqual(textFinding(body));
    expect(textFinding(large)).toMatchObject({ pointer: '/snapshot/clusters/0/name', rule: 'request.text' });
  });

  it('refuses a rest that is large too', async () => {
    const text = JSON.stringify({ snapshot: {}, message: 'x'.repeat(1024 * 1024) });
    expect(await refusalOf(read(text))).toMatchObject({ rule: 'document.size' });
  });

  it('refuses more values than memory is enough for, before it reads them', async () => {
    const text = `{"snapshot": {"clusters": [${'[],'.repeat(2_000_001)}0]}}`;
    expect(await refusalOf(read(text))).toMatchObject({ rule: 'document.size' });
  });

  it.each<[string, string | Buffer, DocumentFormat]>([
    ['what is not JSON', '{"snapshot": {', 'json'],
    ['a duplicate key', '{"snapshot": {"a": 1, "a": 2}}', 'json'],
    ['a prototype key', '{"snapshot": {"__proto__": {}}}', 'json'],
    ['what is nested too deeply', `{"snapshot": ${'['.repeat(200)}${']'.repeat(200)}}`, 'json'],
    ['what is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'json'],
    ['what is not YAML', 'snapshot: [', 'yaml'],
    ['several YAML documents', 'a: 1\n---\nb: 2', 'yaml'],
    ['long YAML', `# ${'x'.repeat(4 * 1024 * 1024)}`, 'yaml'],
  ])('refuses %s as it is refused without a thread', async (_, body, format) => {
    const inline = (async () => parseDocument(documentText(bytesOf(body)), format))();
    const refusal = await refusalOf(inline);
    expect(refusal).toMatchObject({ severity: 'error' });
    expect(await refusalOf(read(body, format))).toEqual(refusal);
  });
});
