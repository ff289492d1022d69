import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import {
  type Call,
  type Documented,
  documentedOperations,
  ExampleWalk,
  sendCall,
  WALK,
  WALKER,
} from '../kit/example-walk.js';
import { type HostileCase, hostileBodies, tooLarge } from '../kit/hostile-bodies.js';
import { hostileKeys, hostileMatches, hostilePaths, hostileQueries } from '../kit/hostile-requests.js';
import { digests } from '../kit/whole-database.js';

/** Requests that are under way at once. */
const AT_ONCE = 8;
const TAKES_LARGE = ['Versions_commit', 'BootstrapOverlay_overlay'];

/**
 * Goes through the examples of the document (examples.spec.ts). Before each is pasted, it is sent in every form that the document does not
 * allow: all of them are refused and change nothing, so that the example still works after them.
 */
describe('every operation, in the state in which its example works', () => {
  let efms: Efms;
  let operations: readonly Documented[];
  let walk: ExampleWalk;

  beforeAll(async () => {
    efms = await startEfms({ env: { ...WALKER, EFMS_LOG_LEVEL: 'fatal' } });
    operations = await documentedOperations(efms);
    walk = new ExampleWalk(efms, operations);
  });
  afterAll(() => efms.stop());

  it.each(WALK)('$operation', async (step) => {
    const { operation, call } = walk.next(step);
    const before = await digests(efms.database);
    const problems = await refusals(operation, [
      ...hostileBodies(operation, call),
      ...(operation.requestBody ? [tooLarge(call, TAKES_LARGE.includes(operation.operationId))] : []),
      ...hostileQueries(operation, call),
      ...hostilePaths(operation, call),
      ...(isThere(operation) ? hostileMatches(operation, call) : []),
      ...hostileKeys(operation, call),
    ]);
    const after = await digests(efms.database);
    const changed = Object.keys(after).filter((table) => after[table] !== before[table]);
    expect({ problems, changed }).toEqual({ problems: [], changed: [] });

    if (!takesKey(operation)) expect((await walk.take(step)).status).toBeLessThan(300);
    else await expectOnce(operation, call, (keyed) => walk.take(step, keyed));
    if (isUpsert(operation)) await expectOneWinner(operation, call);
  });

  /** A PUT that would create something needs no If-Match. */
  const isThere = ({ method }: Documented): boolean => method !== 'PUT';

  const takesKey = ({ described }: Documented): boolean => described.some(({ name }) => name === 'Idempotency-Key');
  const isUpsert = ({ method, responses }: Documented): boolean => method === 'PUT' && '201' in responses;

  /** With a key, a request is done once; another one with that key is refused. */
  async function expectOnce(
    operation: Documented,
    call: Call,
    take: (call: Call) => Promise<ApiAnswer>,
  ): Promise<void> {
    const keyed = { ...call, headers: { ...call.headers, 'Idempotency-Key': 'walk' } };
    const first = await take(keyed);
    expect(first.status).toBeLessThan(300);
    const before = await settled(first.status);
    const again = await sendCall(efms, operation, keyed);
    const isSecret = first.headers.get('cache-control')?.includes('no-store') ?? false;
    if (isSecret) expect([again.status, again.body.type]).toEqual([409, '/problems/idempotency-answer-not-kept']);
    else expect([again.status, again.body]).toEqual([first.status, first.body]);
    const headers = { 'content-type': 'application/json', ...keyed.headers };
    const other = await sendCall(efms, operation, { ...keyed, headers, body: { ...call.body, colour: 'blue' } });
    expect([other.status, other.body.type]).toEqual([422, '/problems/idempotency-key-reused']);
    expect(await digests(efms.database)).toEqual(before);
  }

  /** The digests once nothing changes any more: what answers 202 is carried on by the engine. */
  async function settled(status: number): Promise<Record<string, string>> {
    let last = await digests(efms.database);
    if (status !== 202) return last;
    return eventually('a database at rest', async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const before = last;
      last = await digests(efms.database);
      return isDeepStrictEqual(last, before) ? last : undefined;
    });
  }

  /** Ten who put the same name at once: one makes it, and nobody overwrites what he did not see. */
  async function expectOneWinner(operation: Documented, call: Call): Promise<void> {
    const { 'if-match': _, 'If-Match': __, ...headers } = call.headers;
    const path = `${call.path.slice(0, call.path.lastIndexOf('/'))}/name:race`;
    const own = Object.fromEntries(
      ['nodeId', 'containerId', 'clusterName'].filter((key) => key in call.body).map((key) => [key, 'race']),
    );
    const body = { ...call.body, ...own };
    const field = ['description', 'reason', 'labels', 'metadata'].find((key) => key in properties(operation))!;
    const written = (n: number): unknown => (['description', 'reason'].includes(field) ? `n${n}` : { n: `n${n}` });
    const put = (at: string, bodies: readonly object[], conditions = {}): Promise<ApiAnswer[]> =>
      Promise.all(
        bodies.map((sent) =>
          sendCall(efms, operation, { method: 'PUT', path: at, headers: { ...headers, ...conditions }, body: sent }),
        ),
      );
    const different = (from: number): readonly object[] => TEN.map((n) => ({ ...body, [field]: written(from + n) }));
    const read = (at: string): Promise<ApiAnswer> => sendCall(efms, operation, { method: 'GET', path: at, headers });
    const expectStands = async (winner: ApiAnswer | undefined, revision: number): Promise<string> => {
      const { headers: told, body: now } = await read(path);
      expect([told.get('etag'), now[field]]).toEqual([`"${revision}"`, winner?.body[field]]);
      return told.get('etag')!;
    };

    const alike = await put(`${path}-alike`, Array(10).fill(body));
    expect(statuses(alike)).toEqual({ 201: 1, 200: 9 });
    expect((await read(`${path}-alike`)).headers.get('etag')).toBe('"1"');
    const makers = await put(
      path,
      different(0).map((sent) => ({ ...sent, ...renamed(own, 'race-2') })),
    );
    expect(statuses(makers)).toEqual({ 201: 1, 428: 9 });
    const tag = await expectStands(
      makers.find(({ status }) => status === 201),
      1,
    );
    const seers = await put(
      path,
      different(10).map((sent) => ({ ...sent, ...renamed(own, 'race-2') })),
      { 'if-match': tag },
    );
    expect(statuses(seers)).toEqual({ 200: 1, 412: 9 });
    await expectStands(
      seers.find(({ status }) => status === 200),
      2,
    );
    const careless = await put(
      path,
      different(20).map((sent) => ({ ...sent, ...renamed(own, 'race-2') })),
      { 'if-match': '*' },
    );
    expect(statuses(careless)).toEqual({ 200: 10 });
    await expectStands(
      careless.find(({ headers: told }) => told.get('etag') === '"12"'),
      12,
    );
    const only = { ...body, ...renamed(own, 'race-3') };
    const strangers = await put(`${path}-new`, Array(10).fill(only), { 'if-none-match': '*' });
    expect(statuses(strangers)).toEqual({ 201: 1, 412: 9 });
    const again = await put(`${path}-new`, [only], { 'if-none-match': 'W/"7", "1"' });
    expect(statuses(again)).toEqual({ 412: 1 });
    const other = await put(`${path}-new`, [only], { 'if-none-match': '"7"' });
    expect(statuses(other)).toEqual({ 200: 1 });
    for (const at of [path, `${path}-alike`, `${path}-new`]) {
      await sendCall(efms, operation, { method: 'DELETE', path: at, headers: { ...headers, 'if-match': '*' } });
    }
  }

  /** A line for each case that was not refused as it should be. */
  async function refusals(operation: Documented, cases: readonly HostileCase[]): Promise<readonly string[]> {
    const lines: string[] = [];
    const waiting = [...cases];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) lines.push(...(await refusal(operation, next)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return lines;
  }

  async function refusal(operation: Documented, { what, call, status, pointers }: HostileCase): Promise<string[]> {
    const { status: answered, headers, body } = await sendCall(efms, operation, call);
    const findings: { pointer: string }[] = body?.errors ?? [];
    const told = `${what}: ${answered} ${body?.type} ${JSON.stringify(findings)}`;
    if (!status.includes(answered)) return [`${told}, not ${status.join(' or ')}`];
    if (!headers.get('content-type')?.startsWith('application/problem+json')) return [`${told}, no problem document`];
    const points = findings.some(({ pointer }) =>
      pointers?.some((at) => pointer === at || pointer.startsWith(`${at}/`)),
    );
    return points || pointers === undefined ? [] : [`${told}, which points not to ${pointers.join(' or ')}`];
  }
});

const TEN = Array.from({ length: 10 }, (_, n) => n);

const renamed = (own: object, name: string): object => Object.fromEntries(Object.keys(own).map((key) => [key, name]));

function properties({ requestBody }: Documented): object {
  const [media] = Object.values(requestBody?.content ?? {});
  return media?.schema.properties;
}

function statuses(answers: readonly ApiAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
