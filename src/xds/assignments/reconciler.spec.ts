import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RefusalCode, ServedStream } from '../server/ports.js';
import { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import type { SnapshotWithSecrets } from '../secrets/secret-resources.js';
import type { ClaimHistory } from '../server/claim-history.js';
import type { ArrivedStream } from './arrivals.js';
import type { HeadChanges, HeadCursor } from './head-changes.js';
import { type CredentialVerdict, Reconciler, type ReconcilerSources } from './reconciler.js';
import type { Target } from './targets.js';

const head = (proxyId: string, hash: string | null, credentialEpoch = 0): Target => ({
  tenantId: 't',
  proxyId,
  hash,
  goodHash: null,
  tried: hash === null ? [] : [hash],
  takenOver: false,
  credentialEpoch,
  secretsRev: 0,
  overridesRev: 0,
  overridesInEffect: 0,
  changedAt: 0,
  offeredAt: null,
  process: { bootId: null, envoyVersion: '1.40.0' },
  held: null,
});

/** A stream that remembers what it was told. */
class FakeStream implements ServedStream {
  readonly identity;
  readonly variant = 'delta';
  peer = '127.0.0.1:5000';
  readonly node = {
    id: 'n',
    cluster: '',
    bootId: null as string | null,
    userAgentName: 'envoy',
    userAgentVersion: '1.40.0',
    zone: '',
  };
  readonly claimsNothing = false;
  readonly served: (string | null)[] = [];
  readonly secrets: string[][] = [];
  readonly histories: (ClaimHistory | undefined)[] = [];
  offers = 0;
  acceptances = 0;
  ended: string | undefined;

  constructor(
    readonly id: string,
    proxyId = id,
  ) {
    this.identity = {
      tenantId: 't',
      proxyId,
      nodeId: 'n',
      credentialId: `credential of ${proxyId}`,
      credentialEpoch: 0,
    };
  }

  serve(snapshot: CompiledSnapshot | null, history?: ClaimHistory): void {
    this.served.push(snapshot?.hash ?? null);
    this.secrets.push(snapshot ? [...snapshot.resources('secret').values()].map(({ version }) => version) : []);
    this.histories.push(history);
  }

  acceptClaims(): void {
    this.acceptances += 1;
  }

  offerAgain(): void {
    this.offers += 1;
  }

  end(code: RefusalCode, details: string): void {
    this.ended = `${code}: ${details}`;
  }
}

class FakeSources implements ReconcilerSources {
  readonly truth = new Map<string, Target>();
  readonly arrivals: ArrivedStream[] = [];
  onArrival: () => void = () => undefined;
  readonly verdicts = new Map<string, CredentialVerdict>();
  readonly scans: string[][] = [];
  readonly loads: string[] = [];
  readonly missing = new Set<string>();
  readonly broken = new Set<string>();
  isAway = false;
  areTargetsAway = false;
  secretVersion = 'v1';
  gate: Promise<void> = Promise.resolve();
  concurrent = 0;
  mostConcurrent = 0;

  set(...targets: Target[]): void {
    for (const each of targets) this.truth.set(each.proxyId, each);
  }

  async arrived(streams: readonly ArrivedStream[]): Promise<void> {
    this.arrivals.push(...streams);
    this.onArrival();
    return Promise.resolve();
  }

  /** What the next look is told to have changed; everything, as long as a test does not say. */
  changed: HeadChanges['changed'] = 'unknown';
  looks = 0;

  async changes(since: HeadCursor | null): Promise<HeadChanges> {
    this.looks += 1;
    if (this.isAway) throw new Error('away');
    const cursor = { xid: String(this.looks), time: '0' };
    return Promise.resolve({ cursor, changed: since === null ? 'unknown' : this.changed });
  }

  async targets(proxies: readonly { proxyId: string }[]): Promise<Target[]> {
    this.scans.push(proxies.map(({ proxyId }) => proxyId));
    this.concurrent += 1;
    this.mostConcurrent = Math.max(this.mostConcurrent, this.concurrent);
    const read = proxies.flatMap(({ proxyId }) => this.truth.get(proxyId) ?? []);
    await this.gate;
    this.concurrent -= 1;
    if (this.isAway || this.areTargetsAway) throw new Error('away');
    return read;
  }

  async snapshot(_tenantId: string, hash: string): Promise<CompiledSnapshot | undefined> {
    this.loads.push(hash);
    if (this.broken.has(hash)) return Promise.reject(new Error('broken content'));
    return Promise.resolve(this.missing.has(hash) ? undefined : new CompiledSnapshot(hash, []));
  }

  async current(_target: Target, snapshot: CompiledSnapshot): Promise<SnapshotWithSecrets> {
    if (this.broken.has('secrets')) return Promise.reject(new Error('cannot be opened'));
    const secret = {
      kind: 'secret',
      name: 's',
      version: this.secretVersion,
      value: Buffer.alloc(1),
      children: [],
    } as const;
    return Promise.resolve({ full: snapshot.withSecrets([secret]), open: snapshot });
  }

  isPrivate(peer: string): boolean {
    return peer.startsWith('127.');
  }

  async credentials(credentials: readonly { credentialId: string }[]): Promise<Map<string, CredentialVerdict>> {
    return Promise.resolve(
      new Map(
        credentials.flatMap(({ credentialId }) => {
          const verdict = this.verdicts.get(credentialId);
          return verdict ? [[credentialId, verdict] as const] : [];
        }),
      ),
    );
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to that in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('Reconciler', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['log', 'warn', 'error']);
  });

  let sources: FakeSources;
  let reconciler: Reconciler;

  beforeEach(() => {
    sources = new FakeSources();
    reconciler = new Reconciler(sources, { scanIntervalMs: 1e8, minPauseMs: 0 });
  });
  afterEach(() => reconciler.stop());

  const attach = (stream: FakeStream): FakeStream => {
    reconciler.attach({ stream, beforeServe: () => false, onTakenOver: () => undefined });
    return stream;
  };
  /** Looks at all heads and waits for the look to be over. */
  const look = async (): Promise<void> => {
    const { looks } = sources;
    reconciler.wake();
    await until(() => sources.looks > looks && sources.concurrent === 0);
    for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  it('serves new streams of one moment after one look at their heads only', async () => {
    sources.set(head('a', 'h1'), head('b', 'h1'), head('c', null));
    const [a, b, c] = ['a', 'b', 'c'].map((id) => attach(new FakeStream(id)));
    await until(() => a!.served.length + b!.served.length + c!.served.length === 3);
    expect([a!.served, b!.served, c!.served]).toEqual([['h1'], ['h1'], [null]]);
    expect(sources.scans).toEqual([['a', 'b', 'c']]);
    expect(sources.loads).toEqual(['h1']);
    sources.set(head('d', 'h1'));
    const d = attach(new FakeStream('d'));
    await until(() => d.served.length === 1);
    expect(sources.scans[1]).toEqual(['d']);
  });

  it('offers again what was refused, once for each time that it is asked to', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    expect(a.offers).toBe(0);
    sources.set({ ...head('a', 'h1'), offeredAt: 3 });
    await look();
    await look();
    expect([a.offers, a.served]).toEqual([1, ['h1']]);
  });

  it('serves a secret of another content without another snapshot', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.secretVersion = 'v2';
    await look();
    expect(a.secrets).toEqual([['v1']]);
    sources.set({ ...head('a', 'h1'), secretsRev: 1 });
    await look();
    await look();
    expect([a.served, a.secrets]).toEqual([
      ['h1', 'h1'],
      [['v1'], ['v2']],
    ]);
  });

  it('counts the changes of secrets by each proxy, whoever is served with it', async () => {
    sources.set({ ...head('a', 'h1'), secretsRev: 5 }, head('b', 'h1'));
    const [a, b] = ['a', 'b'].map((id) => attach(new FakeStream(id)));
    await until(() => a!.served.length === 1 && b!.served.length === 1);
    sources.secretVersion = 'v2';
    sources.set({ ...head('b', 'h1'), secretsRev: 5 });
    await look();
    expect([a!.secrets, b!.secrets]).toEqual([[['v1']], [['v1'], ['v2']]]);
  });

  it('serves other overrides of endpoints without another snapshot', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    for (const overridesInEffect of [1, 0]) {
      sources.set({ ...head('a', 'h1'), overridesRev: 1, overridesInEffect });
      await look();
      await look();
    }
    expect(a.served).toEqual(['h1', 'h1', 'h1']);
  });

  it('keeps what streams have while secrets cannot be opened, and catches up', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.broken.add('secrets');
    sources.set({ ...head('a', 'h1'), secretsRev: 1 });
    await look();
    expect(a.secrets).toEqual([['v1']]);
    sources.broken.delete('secrets');
    sources.secretVersion = 'v2';
    await look();
    expect(a.secrets).toEqual([['v1'], ['v2']]);
  });

  it('sends no secret where others could listen', async () => {
    sources.set(head('a', 'h1'));
    const stream = new FakeStream('a');
    stream.peer = '10.0.0.1:5000';
    attach(stream);
    await until(() => stream.served.length === 1);
    expect([stream.served, stream.secrets]).toEqual([['h1'], [[]]]);
  });

  it('goes back to another snapshot without offering the refused one again on the way', async () => {
    sources.set(head('a', 'h2'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.set({ ...head('a', 'h1'), tried: ['h2', 'h1'], held: { reason: 'nack', envoyVersion: '1.40.0' } });
    await look();
    expect([a.served, a.offers]).toEqual([['h2', 'h1'], 0]);
    expect(a.histories[1]?.doubts.map(({ hash }) => hash)).toEqual(['h2']);
    sources.set({ ...head('a', 'h2'), tried: ['h2', 'h1'], offeredAt: 7 });
    await look();
    expect([a.served, a.offers]).toEqual([['h2', 'h1', 'h2'], 0]);
  });

  it('holds the claims of a stream against all that its proxy may have been sent, and its last good snapshot', async () => {
    sources.missing.add('gone');
    sources.set(
      { ...head('a', 'h3'), goodHash: 'h1', tried: ['h2', 'h3'] },
      { ...head('b', 'h3'), goodHash: 'h3', tried: ['gone', 'h3'] },
      { ...head('c', 'h3'), tried: ['*', 'h3'], takenOver: true },
    );
    const streams = ['a', 'b', 'c'].map((id) => attach(new FakeStream(id)));
    await until(() => streams.every(({ served }) => served.length === 1));
    const hashes = (snapshots: readonly CompiledSnapshot[] | null | undefined) => snapshots?.map(({ hash }) => hash);
    expect(
      streams.map(({ histories: [past] }) => [
        hashes(past?.doubts),
        past?.isComplete,
        past?.had?.hash,
        hashes(past?.known),
      ]),
    ).toEqual([
      [['h2'], true, 'h1', ['h2', 'h1']],
      [[], false, undefined, []],
      [[], false, undefined, undefined],
    ]);
  });

  it('tells a stream again of what its proxy may have been sent meanwhile, and of all of that until it is forgotten', async () => {
    sources.set({ ...head('a', 'h1'), goodHash: 'h1', tried: [] });
    const a = new FakeStream('a');
    const told: (readonly string[])[] = [];
    reconciler.attach({
      stream: a,
      beforeServe: (_, tried) => told.push(tried) > 0,
      onTakenOver: () => undefined,
    });
    await until(() => a.served.length === 1);
    sources.set({ ...head('a', 'h1'), goodHash: 'h1', tried: ['h2', 'h1'] });
    await look();
    expect(a.served).toEqual(['h1', 'h1']);
    expect(a.histories[1]?.doubts.map(({ hash }) => hash)).toEqual(['h2']);
    await look();
    sources.set({ ...head('a', 'h1'), goodHash: 'h1', tried: [] });
    await look();
    expect(a.served).toHaveLength(2);
    expect(told).toEqual([[], ['h2', 'h1'], ['h2', 'h1']]);
  });

  it('has a new process judged before it is served, and serves what that decides', async () => {
    sources.set(head('a', 'h2'), head('b', 'h2'));
    sources.onArrival = () => sources.set({ ...head('a', 'h1'), process: { bootId: 'new', envoyVersion: '1.40.0' } });
    const a = new FakeStream('a');
    a.node.bootId = 'new';
    const b = attach(new FakeStream('b'));
    attach(a);
    await until(() => a.served.length === 1 && b.served.length === 1);
    expect([a.served, b.served]).toEqual([['h1'], ['h2']]);
    expect(sources.arrivals).toEqual([
      { streamId: 'a', tenantId: 't', proxyId: 'a', bootId: 'new', envoyVersion: '1.40.0', claimsNothing: false },
    ]);
    await look();
    expect(sources.arrivals).toHaveLength(1);
  });

  it('tells with a new stream what the one before it was served, which the ledger may not have written yet', async () => {
    sources.set({ ...head('a', 'h2'), process: { bootId: 'one', envoyVersion: '1.40.0' } });
    const one = new FakeStream('s1', 'a');
    one.node.bootId = 'one';
    attach(one);
    await until(() => one.served.length === 1);
    reconciler.detach(one);
    const two = new FakeStream('s2', 'a');
    two.node.bootId = 'two';
    attach(two);
    await until(() => two.served.length === 1);
    expect(sources.arrivals.map(({ before }) => before)).toMatchObject([{ bootId: 'one', hash: 'h2' }]);
  });

  it('passes on that somebody took a proxy over, once, and not to a stream that is served only then', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.set({ ...head('a', 'h1'), takenOver: true });
    await look();
    await look();
    const later = attach(new FakeStream('later', 'a'));
    await until(() => later.served.length === 1);
    expect([a.acceptances, later.acceptances]).toEqual([1, 0]);
  });

  it('tells the ledger what a stream will serve before the stream', async () => {
    sources.set(head('a', 'h1'));
    const stream = new FakeStream('a');
    const order: string[] = [];
    stream.serve = () => order.push('stream');
    reconciler.attach({
      stream,
      beforeServe: (hash) => order.push(`ledger ${hash ?? ''}`) === 0,
      onTakenOver: () => undefined,
    });
    await until(() => order.length === 2);
    expect(order).toEqual(['ledger h1', 'stream']);
  });

  it('serves a changed head at the doorbell, and nothing at one that tells nothing new', async () => {
    sources.set(head('a', 'h1'), head('b', 'h1'));
    const [a, b] = ['a', 'b'].map((id) => attach(new FakeStream(id)));
    await until(() => a!.served.length === 1 && b!.served.length === 1);
    sources.set(head('a', 'h2'));
    await look();
    await look();
    expect([a!.served, b!.served]).toEqual([['h1', 'h2'], ['h1']]);
  });

  it('finds a change whose doorbell was lost at the next interval', async () => {
    reconciler.stop();
    reconciler = new Reconciler(sources, { scanIntervalMs: 10 });
    reconciler.start();
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.set(head('a', 'h2'));
    await until(() => a.served.length === 2);
    expect(a.served).toEqual(['h1', 'h2']);
    expect(reconciler.stats.changes).toEqual({ doorbell: 0, interval: 1 });
  });

  it('looks at what changed only', async () => {
    sources.set(head('a', 'h1'), head('b', 'h1'), head('c', 'h1'));
    const streams = ['a', 'b', 'c'].map((id) => attach(new FakeStream(id)));
    await until(() => streams.every(({ served }) => served.length === 1));
    await look();
    const before = sources.scans.length;
    sources.changed = { proxies: [{ tenantId: 't', proxyId: 'elsewhere' }], tenants: [] };
    await look();
    expect(sources.scans).toHaveLength(before);
    sources.changed = { proxies: [{ tenantId: 't', proxyId: 'b' }], tenants: [] };
    sources.set(head('b', 'h2'));
    await look();
    expect(sources.scans.slice(before)).toEqual([['b']]);
    sources.changed = { proxies: [], tenants: ['another', 't'] };
    await look();
    expect(sources.scans.at(-1)).toEqual(['a', 'b', 'c']);
    expect(streams.map(({ served }) => served)).toEqual([['h1'], ['h1', 'h2'], ['h1']]);
  });

  it('looks again at what it could not serve, although nothing more changes', async () => {
    sources.set(head('a', 'h1'), head('b', 'h1'));
    const [a, b] = ['a', 'b'].map((id) => attach(new FakeStream(id)));
    await until(() => a!.served.length === 1 && b!.served.length === 1);
    await look();
    sources.missing.add('h2');
    sources.set(head('a', 'h2'));
    sources.changed = { proxies: [{ tenantId: 't', proxyId: 'a' }], tenants: [] };
    await look();
    sources.changed = { proxies: [], tenants: [] };
    await look();
    expect([a!.served, sources.scans.at(-1)]).toEqual([['h1'], ['a']]);
    sources.missing.clear();
    await look();
    await look();
    expect([a!.served, sources.scans.at(-1)]).toEqual([['h1', 'h2'], ['a']]);
    const before = sources.scans.length;
    await look();
    expect(sources.scans).toHaveLength(before);
  });

  it('looks again at what it was told of, where that could not be read', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    await look();
    sources.set(head('a', 'h2'));
    sources.changed = { proxies: [{ tenantId: 't', proxyId: 'a' }], tenants: [] };
    sources.areTargetsAway = true;
    await look();
    sources.changed = { proxies: [], tenants: [] };
    sources.areTargetsAway = false;
    await look();
    expect(a.served).toEqual(['h1', 'h2']);
  });

  it('reads many in parts, and serves the first while it reads the next', async () => {
    const ids = Array.from({ length: 1_200 }, (_, i) => `p${i}`);
    sources.set(...ids.map((id) => head(id, 'h1')));
    const streams = ids.map((id) => attach(new FakeStream(id)));
    await until(() => streams.every(({ served }) => served.length === 1));
    expect(sources.scans.map(({ length }) => length)).toEqual([500, 500, 200]);
  });

  it('has looked at every stream once after a round, whatever it is told', async () => {
    reconciler.stop();
    reconciler = new Reconciler(sources, { scanIntervalMs: 1e8, minPauseMs: 0, roundMs: 200 });
    const ids = Array.from({ length: 100 }, (_, i) => `p${i}`);
    for (const id of ids) {
      sources.set(head(id, 'h1'));
      sources.verdicts.set(`credential of ${id}`, 'valid');
    }
    const streams = ids.map((id) => attach(new FakeStream(id)));
    await until(() => streams.every(({ served }) => served.length === 1));
    await look();
    sources.changed = { proxies: [], tenants: [] };
    for (const id of ids) sources.set(head(id, 'h2'));
    const before = sources.scans.length;
    while (!streams.every(({ served }) => served.length === 2)) await look();
    expect(sources.scans.slice(before).filter(({ length }) => length > 0 && length < 100).length).toBeGreaterThan(1);
  });

  it('never looks twice at once, and misses no doorbell that rings during a look', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    let release = (): void => undefined;
    sources.gate = new Promise((resolve) => (release = resolve));
    reconciler.wake();
    await until(() => sources.concurrent === 1);
    // This look has read the old head already.
    sources.set(head('a', 'h2'));
    for (let i = 0; i < 20; i += 1) reconciler.wake();
    release();
    await until(() => a.served.length === 2);
    expect(a.served).toEqual(['h1', 'h2']);
    expect(sources.mostConcurrent).toBe(1);
    expect(sources.scans).toHaveLength(3);
  });

  it('keeps streams as they are while heads cannot be read, and catches up after', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.isAway = true;
    sources.set(head('a', 'h2'));
    sources.truth.delete('b');
    const b = attach(new FakeStream('b'));
    const { lookedAt } = reconciler.stats;
    await look();
    expect(a.served).toEqual(['h1']);
    expect(reconciler.stats).toMatchObject({ lookedAt, failures: 1 });
    expect([a.ended, b.ended, b.served]).toEqual([undefined, undefined, []]);
    sources.isAway = false;
    sources.set(head('b', 'h2'));
    await look();
    expect([a.served, b.served]).toEqual([['h1', 'h2'], ['h2']]);
    expect(reconciler.stats.lookedAt).toBeGreaterThan(lookedAt);
    expect(reconciler.stats.unsettled).toBe(0);
  });

  it('takes nothing away where an assigned snapshot is not stored', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.missing.add('h2');
    sources.set(head('a', 'h2'));
    await look();
    expect(a.served).toEqual(['h1']);
    sources.missing.clear();
    await look();
    expect(a.served).toEqual(['h1', 'h2']);
  });

  it('serves the others where one snapshot cannot be loaded', async () => {
    sources.broken.add('h1');
    sources.set(head('a', 'h1'), head('b', 'h2'));
    const [a, b] = ['a', 'b'].map((id) => attach(new FakeStream(id)));
    await until(() => b!.served.length === 1);
    expect(a!.served).toEqual([]);
    sources.broken.clear();
    await look();
    expect([a!.served, b!.served]).toEqual([['h1'], ['h2']]);
  });

  it('ends the streams of a proxy that is deleted', async () => {
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.truth.delete('a');
    await look();
    expect(a.ended).toBe('permission_denied: the proxy does not exist any more');
  });

  it.each(['revoked', 'expired', undefined] as const)('ends streams whose credential is %s', async (verdict) => {
    sources.set(head('a', 'h1'), head('b', 'h1'));
    const [a, b] = ['a', 'b'].map((id) => attach(new FakeStream(id)));
    await until(() => a!.served.length === 1 && b!.served.length === 1);
    if (verdict) sources.verdicts.set('credential of a', verdict);
    sources.set(head('a', 'h1', 1));
    await look();
    expect(a!.ended).toBe(`permission_denied: the credential is ${verdict ?? 'revoked'}`);
    expect(b!.ended).toBeUndefined();
  });

  it('keeps a stream when another credential of its proxy was revoked', async () => {
    sources.set(head('a', 'h1'));
    sources.verdicts.set('credential of a', 'valid');
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    sources.set(head('a', 'h2', 1));
    await look();
    expect([a.ended, a.served]).toEqual([undefined, ['h1', 'h2']]);
  });

  it('looks at all credentials now and then, for some expire', async () => {
    reconciler.stop();
    reconciler = new Reconciler(sources, { scanIntervalMs: 1e8, minPauseMs: 0, roundMs: 0.001 });
    sources.verdicts.set('credential of a', 'expired');
    sources.set(head('a', 'h1'));
    const a = attach(new FakeStream('a'));
    await until(() => a.served.length === 1);
    await look();
    expect(a.ended).toBe('permission_denied: the credential is expired');
  });

  it('serves both of two streams of one proxy', async () => {
    sources.set(head('a', 'h1'));
    const one = attach(new FakeStream('s1', 'a'));
    const two = attach(new FakeStream('s2', 'a'));
    await until(() => one.served.length === 1 && two.served.length === 1);
    reconciler.detach(one);
    sources.set(head('a', 'h2'));
    await look();
    expect([one.served, two.served]).toEqual([['h1'], ['h1', 'h2']]);
  });
});
