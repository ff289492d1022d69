import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readLargeBody } from '../../../common/documents/large-body.js';
import type { LargeDocument } from '../../../common/documents/large-document.js';
import { Threads } from '../../../common/threads/threads.js';
import { EnvoyApi } from '../../../xds/in-threads.js';
import { edgeOf } from '../../../../bench/xds/documents.js';
import { httpListener, tlsListener } from '../../../../test/kit/resources.js';
import { EXAMPLE_SNAPSHOT } from '../../dto/example-snapshot.js';
import type { ContentReading } from './version-content.js';
import { VersionContents } from './version-contents.js';

const VERSION_ID = '00000000-0000-4000-8000-000000000001';

/** Snapshots that are fine, and what breaks them. */
const CORPUS: readonly object[] = [
  EXAMPLE_SNAPSHOT,
  edgeOf(4096),
  { listeners: [tlsListener('tls', 10_443, 'edge', 'certificate')], secrets: [{ name: 'certificate' }], routes: [] },
  { listeners: [httpListener('a', 1, 'nowhere'), httpListener('a', 1, 'nowhere')], clusters: [{}] },
  { clusters: [{ name: 'x', connect_timeout: '-1s', lb_policy: 'NONE' }], scopedRoutes: [{}], what: 1 },
  {},
];
const VALUES: readonly unknown[] = [null, true, 0, -1, 1.5, '', 'x', '1s', [], {}, [{}], { a: 1 }, 'é\u0001'];

/** Replaces one value somewhere in a document, or takes it away. */
function changed(document: unknown, path: readonly number[], value: unknown): unknown {
  const [choice = 0, ...rest] = path;
  if (typeof document !== 'object' || document === null || path.length === 0) return value;
  const entries = Object.entries(document);
  if (entries.length === 0) return value;
  const [key, child] = entries[choice % entries.length] as [string, unknown];
  const now = changed(child, rest, value);
  if (Array.isArray(document)) return document.map((each: unknown, i) => (String(i) === key ? now : each));
  return { ...document, [key]: now };
}

/** Rows have ids that are new each time. */
const comparable = (reading: ContentReading): unknown =>
  JSON.parse(
    JSON.stringify(reading, (_, value: unknown) =>
      ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : value,
    ).replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID'),
  );

describe('reading the content of a version', () => {
  const threads = new Threads({ size: 1 });
  let contents: VersionContents;
  beforeAll(() => {
    contents = new VersionContents(EnvoyApi.load(), threads, { xds: { descriptorFiles: [] } });
  });
  afterAll(() => threads.beforeApplicationShutdown());

  async function inThread(snapshot: unknown): Promise<ContentReading> {
    const bytes = Buffer.from(JSON.stringify({ snapshot }));
    const body = (await readLargeBody(threads, { bytes, format: 'json', member: 'snapshot' })) as {
      readonly snapshot: LargeDocument;
    };
    return contents.read({ snapshot: body.snapshot, versionId: VERSION_ID });
  }

  it('finds and makes the same in a thread as without one', async () => {
    let [refused, made] = [0, 0];
    const path = fc.array(fc.nat(), { maxLength: 9 });
    const documents = fc.tuple(fc.constantFrom(...CORPUS), path, fc.constantFrom(...VALUES));
    await fc.assert(
      fc.asyncProperty(documents, async ([document, at, value]) => {
        const snapshot = at.length === 0 ? document : { ...(changed(document, at, value) as object) };
        const inline = await contents.read({ snapshot, versionId: VERSION_ID });
        expect(comparable(await inThread(snapshot))).toEqual(comparable(inline));
        if (inline.content) made += 1;
        else refused += 1;
      }),
      { numRuns: 80, examples: CORPUS.map((document): [[object, number[], unknown]] => [[document, [], null]]) },
    );
    expect(Math.min(refused, made)).toBeGreaterThanOrEqual(2);
  });

  it('has a place in each slab for each resource', async () => {
    const { content } = await inThread(edgeOf(8192));
    expect(content?.snapshot.count).toBe(18);
    for (const slab of [content?.documents, content?.snapshot.entries, ...Object.values(content?.rows ?? {})]) {
      expect(slab?.ends).toHaveLength(18);
    }
  });
});
