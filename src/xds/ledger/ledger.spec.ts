import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { ProxyKey } from '../../infrastructure/index.js';
import { Ledger, type LedgerBatch, LedgerSink, RowRefused } from './ledger.js';
import { ProgressSignal } from './progress-signal.js';
import type { AcknowledgementRow, StreamOpening, StreamRow } from './stream-record.js';

class TestClock extends Clock {
  time = 1_000;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
}

interface Written {
  readonly streams: readonly StreamRow[];
  readonly acknowledgements: readonly AcknowledgementRow[];
  readonly presence: readonly ProxyKey[];
  readonly live: readonly string[] | undefined;
}

/** The database's clock shows a million more than the process's. */
class FakeSink extends LedgerSink {
  readonly writes: Written[] = [];
  isAway = false;
  /** A stream that the database takes for wrong. */
  refused: string | undefined;
  gate: Promise<void> = Promise.resolve();

  constructor(private readonly clock: TestClock) {
    super();
  }

  override async write(batch: LedgerBatch): Promise<void> {
    const rows = batch.rows({ database: 1_000_000 + this.clock.time, monotonic: this.clock.time });
    await this.gate;
    if (this.isAway) throw new Error('away');
    if (rows.streams.some(({ id }) => id === this.refused)) throw new RowRefused('22021');
    this.writes.push({ ...rows, live: batch.live });
  }
}

const opening = (id: string, proxyId = 'p'): StreamOpening => ({
  id,
  tenantId: 't',
  proxyId,
  variant: 'delta',
  peer: '127.0.0.1:5000',
  nodeId: 'n',
  bootId: null,
  envoyVersion: '1.40.0',
});

describe('Ledger', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  afterAll(() => {
    Logger.overrideLogger(['log', 'warn', 'error']);
  });

  let clock: TestClock;
  let sink: FakeSink;
  let signal: ProgressSignal;
  let ledger: Ledger;

  beforeEach(() => {
    clock = new TestClock();
    sink = new FakeSink(clock);
    signal = new ProgressSignal();
    // Nothing is written by time: tests say when.
    ledger = new Ledger(sink, signal, clock, { flushMs: 1e9, retryMs: 1e9, maxBatch: 100 });
  });
  afterEach(() => ledger.stop());

  it('leaves out the one stream that cannot be written, and writes all others', async () => {
    for (let i = 0; i < 50; i += 1) ledger.open(opening(`s${i}`, `p${i}`));
    sink.refused = 's17';
    await ledger.stop();
    const written = sink.writes.flatMap(({ streams }) => streams.map(({ id }) => id));
    expect(written).toHaveLength(49);
    expect(written).not.toContain('s17');
    expect(ledger.stats).toMatchObject({ written: 49, refused: 1, failures: 0, waitingSince: undefined });
    expect(ledger.backlog).toBe(0);
  });

  it('waits for nothing once what cannot be written is left out', async () => {
    ledger.open(opening('s'));
    sink.refused = 's';
    await ledger.flush();
    expect(ledger.stats).toMatchObject({ refused: 1, waitingSince: undefined });
  });

  it('keeps of every type the newest only, however much happens', async () => {
    const stream = ledger.open(opening('s'));
    stream.serving('h1');
    for (let i = 1; i <= 1000; i += 1) {
      stream.sent({ kind: 'cluster', version: `v${i}`, resources: i });
      stream.acked({ kind: 'cluster', version: `v${i}` });
    }
    expect(ledger.backlog).toBe(1);
    await ledger.flush();
    expect(sink.writes).toHaveLength(1);
    expect(sink.writes[0]?.streams).toMatchObject([{ id: 's', servingHash: 'h1' }]);
    expect(sink.writes[0]?.acknowledgements).toMatchObject([
      { kind: 'cluster', sentVersion: 'v1000', sentHash: 'h1', ackedVersion: 'v1000', resourceCount: 1000 },
    ]);
  });

  describe('while an answer is awaited', () => {
    const until = async (isSo: () => boolean): Promise<void> => {
      const deadline = Date.now() + 5_000;
      while (!isSo()) {
        if (Date.now() > deadline) throw new Error('it did not come to that in time');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const rows = (): AcknowledgementRow[] => sink.writes.flatMap(({ acknowledgements }) => acknowledgements);
    const pushed = async () => {
      ledger = new Ledger(sink, signal, clock, { flushMs: 1 });
      const [stream, other] = [ledger.open(opening('s', 'p')), ledger.open(opening('o', 'q'))];
      await ledger.flush();
      for (const each of [stream, other]) {
        each.serving('h');
        each.sent({ kind: 'cluster', version: 'v', resources: 1 });
      }
      other.acked({ kind: 'cluster', version: 'v' });
      await until(() => rows().length > 0);
      expect(rows()).toMatchObject([{ streamId: 'o', ackedVersion: 'v' }]);
      return stream;
    };

    it('writes what was sent with the answer, once', async () => {
      const stream = await pushed();
      stream.acked({ kind: 'cluster', version: 'v' });
      await until(() => ledger.backlog === 0 && rows().length > 1);
      expect(rows().slice(1)).toMatchObject([{ streamId: 's', sentVersion: 'v', ackedVersion: 'v' }]);
    });

    it('does not wait for one that does not come, nor where the stream has ended', async () => {
      const stream = await pushed();
      clock.time += 2_000;
      await until(() => rows().length > 1);
      expect(rows().slice(1)).toMatchObject([{ streamId: 's', sentVersion: 'v', ackedVersion: null }]);
      stream.sent({ kind: 'cluster', version: 'w', resources: 1 });
      stream.ended();
      await until(() => rows().length > 2);
      expect(rows().slice(2)).toMatchObject([{ streamId: 's', sentVersion: 'w' }]);
    });
  });

  it('gives times by the clock of the database, and never another time to the same event', async () => {
    const stream = ledger.open(opening('s'));
    clock.time = 2_000;
    stream.sent({ kind: 'cluster', version: 'v', resources: 1 });
    clock.time = 5_000;
    await ledger.flush();
    const [first] = sink.writes[0]!.acknowledgements;
    expect(first?.sentAt).toBeCloseTo(1_002_000, 0);
    clock.time = 9_999;
    ledger.reassert();
    await ledger.flush();
    expect(sink.writes[1]?.acknowledgements[0]?.sentAt).toBe(first?.sentAt);
    expect(sink.writes[1]?.streams[0]?.connectedAt).toBe(sink.writes[0]?.streams[0]?.connectedAt);
  });

  it('orders events of one moment', async () => {
    const stream = ledger.open(opening('s'));
    stream.nacked({ kind: 'route', version: 'v' }, { code: 13, message: 'no' });
    stream.acked({ kind: 'route', version: 'w' });
    await ledger.flush();
    const [row] = sink.writes[0]!.acknowledgements;
    expect(row!.ackedAt!).toBeGreaterThan(row!.nackedAt!);
  });

  it('blames a refusal on the snapshot that was sent, not on a newer one that waits', async () => {
    const stream = ledger.open(opening('s'));
    stream.serving('old');
    stream.sent({ kind: 'listener', version: 'v', resources: 1 });
    stream.serving('new');
    stream.nacked({ kind: 'listener', version: 'v' }, { code: 13, message: 'cannot bind' });
    await ledger.flush();
    expect(sink.writes[0]?.acknowledgements).toMatchObject([
      { nackedHash: 'old', nackedVersion: 'v', errorCode: 13, errorMessage: 'cannot bind' },
    ]);
  });

  it('writes what changed while it was writing with the next write', async () => {
    const stream = ledger.open(opening('s'));
    let release = (): void => undefined;
    sink.gate = new Promise((resolve) => (release = resolve));
    const flushed = ledger.flush();
    stream.converged('h');
    release();
    await flushed;
    await ledger.flush();
    expect(sink.writes.map(({ streams }) => streams[0]?.convergedHash)).toEqual([null, 'h']);
  });

  it('keeps the newest state while the database is away, and writes it once that is back', async () => {
    const stream = ledger.open(opening('s'));
    sink.isAway = true;
    for (let i = 1; i <= 5; i += 1) {
      stream.sent({ kind: 'cluster', version: `v${i}`, resources: 1 });
      await ledger.flush();
    }
    expect(ledger.backlog).toBe(1);
    sink.isAway = false;
    await ledger.flush();
    expect(sink.writes).toHaveLength(1);
    expect(sink.writes[0]).toMatchObject({ acknowledgements: [{ sentVersion: 'v5' }], live: ['s'] });
    stream.converged('h');
    await ledger.flush();
    expect(sink.writes[1]?.live).toBeUndefined();
  });

  it('does not grow with streams that come and go while the database is away', async () => {
    sink.isAway = true;
    ledger.open(opening('other', 'q'));
    for (let i = 0; i < 50; i += 1) {
      ledger.open(opening(`s${i}`)).ended();
      await ledger.flush();
    }
    expect(ledger.backlog).toBe(2);
    expect(ledger.stats).toMatchObject({ superseded: 49, waitingSince: expect.any(Number) });
    sink.isAway = false;
    await ledger.flush();
    expect(ledger.stats.waitingSince).toBeUndefined();
    expect(sink.writes[0]?.streams.map(({ id }) => id).sort()).toEqual(['other', 's49']);
    expect(sink.writes[0]?.live).toEqual(['other']);
  });

  it('does not grow with streams that come and go while the database does not answer', async () => {
    let answer!: () => void;
    sink.gate = new Promise((resolve) => (answer = resolve));
    const other = ledger.open(opening('other', 'q'));
    const flushed = ledger.flush();
    for (let i = 0; i < 5_000; i += 1) ledger.open(opening(`s${i}`)).ended();
    other.sent({ kind: 'cluster', version: 'newest', resources: 1 });
    expect(ledger.backlog).toBeLessThan(500);
    answer();
    await flushed;
    await ledger.stop();
    const streams = sink.writes.flatMap((write) => write.streams.map(({ id }) => id));
    expect([streams[0], streams.at(-1)]).toEqual(['other', 's4999']);
    expect(sink.writes.flatMap(({ acknowledgements }) => acknowledgements)).toMatchObject([{ sentVersion: 'newest' }]);
    // Ends of streams that the database takes for alive may be among what was left out.
    expect(sink.writes.map(({ live }) => live)).toEqual([
      undefined,
      ['other'],
      ...sink.writes.slice(2).map(() => undefined),
    ]);
  });

  it('says of a stream whether all of it is written', async () => {
    const stream = ledger.open(opening('s'));
    expect(stream.isWritten).toBe(false);
    sink.isAway = true;
    await ledger.flush();
    expect(stream.isWritten).toBe(false);
    sink.isAway = false;
    let write!: () => void;
    sink.gate = new Promise((resolve) => (write = resolve));
    const flushed = ledger.flush();
    expect(stream.isWritten).toBe(false);
    write();
    await flushed;
    expect(stream.isWritten).toBe(true);
    stream.acked({ kind: 'cluster', version: 'v' });
    expect(stream.isWritten).toBe(false);
  });

  it('writes many streams in several batches', async () => {
    for (let i = 0; i < 250; i += 1) ledger.open(opening(`s${i}`, `p${i}`));
    await ledger.stop();
    expect(sink.writes.map(({ streams }) => streams.length)).toEqual([100, 100, 50]);
  });

  it('tells of proxies after they are written, and of a change of their presence only where there is one', async () => {
    const told: (readonly ProxyKey[])[] = [];
    signal.subscribe((proxies) => told.push(proxies));
    const stream = ledger.open(opening('s'));
    sink.isAway = true;
    await ledger.flush();
    expect(told).toEqual([]);
    sink.isAway = false;
    await ledger.flush();
    stream.converged('h');
    await ledger.flush();
    expect(told).toEqual([[{ tenantId: 't', proxyId: 'p' }], [{ tenantId: 't', proxyId: 'p' }]]);
    expect(sink.writes.map(({ presence }) => presence.length)).toEqual([1, 0]);
  });

  it('takes an unmanaged proxy for managed once it is served a snapshot', async () => {
    const stream = ledger.open(opening('s'));
    stream.serving(null);
    stream.unmanaged();
    await ledger.flush();
    stream.serving('h');
    await ledger.flush();
    expect(sink.writes.map(({ streams }) => streams[0]?.unmanaged)).toEqual([true, false]);
    expect(sink.writes[1]?.presence).toHaveLength(1);
  });

  it('says again that it converged while it is told what was tried before, and only then', async () => {
    const stream = ledger.open(opening('s'));
    stream.serving('h');
    stream.converged('h');
    await ledger.flush();
    stream.serving('h', []);
    await ledger.flush();
    stream.serving('h', ['g']);
    await ledger.flush();
    expect(sink.writes.map(({ streams }) => streams[0]?.servedHashes)).toEqual([['h'], ['g', 'h']]);
    stream.diverged();
    await ledger.flush();
    stream.serving('h', ['g']);
    await ledger.flush();
    expect(sink.writes).toHaveLength(3);
  });

  it('knows no convergence on nothing', async () => {
    const stream = ledger.open(opening('s'));
    stream.converged('');
    await ledger.flush();
    expect(sink.writes[0]?.streams[0]?.convergedHash).toBeNull();
  });

  it('writes what is left when it stops', async () => {
    const stream = ledger.open(opening('s'));
    stream.ended();
    await ledger.stop();
    expect(sink.writes[0]?.streams[0]?.endedAt).not.toBeNull();
  });
});
