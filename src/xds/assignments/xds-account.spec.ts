import { describe, expect, it } from '@jest/globals';
import { explain, type QuarantineAccount, type StreamAccount, type TypeAccount, type XdsFacts } from './xds-account.js';

const AT = new Date('2026-01-01T12:00:00Z');
const later = (seconds: number): Date => new Date(AT.getTime() + seconds * 1000);
const [S1, S2] = ['1'.repeat(64), '2'.repeat(64)];

const type = (change: Partial<TypeAccount> = {}): TypeAccount => ({
  kind: 'cluster',
  sentVersion: 'v',
  sentAt: AT,
  resources: 1,
  ackedVersion: 'v',
  ackedAt: later(1),
  refusal: null,
  ...change,
});
const stream = (change: Partial<StreamAccount> = {}): StreamAccount => ({
  id: 'id',
  variant: 'delta',
  peer: '127.0.0.1:5000',
  replica: 'r',
  bootId: 'boot-1',
  envoyVersion: '1.40.0',
  connectedAt: AT,
  endedAt: null,
  serving: S2,
  converged: null,
  management: 'managed',
  types: [],
  ...change,
});
const quarantine = (change: Partial<QuarantineAccount> = {}): QuarantineAccount => ({
  snapshot: S2,
  reason: 'nack',
  cause: 'content',
  held: true,
  heldAt: AT,
  offeredAt: null,
  retryAt: null,
  kind: 'cluster',
  code: 13,
  message: 'c2: no hash policy',
  suspects: ['c2'],
  ...change,
});
const facts = (change: Partial<XdsFacts> = {}): XdsFacts => ({
  assigned: { snapshot: S2, versionId: null, assignedAt: AT },
  served: S2,
  lastGood: { snapshot: S1, since: AT },
  quarantines: [],
  streams: [stream()],
  ...change,
});

describe('what is said of a proxy', () => {
  it('that never came', () => {
    expect(explain(facts({ assigned: null, served: null, lastGood: null, streams: [] }))).toEqual([
      'It never connected: start its Envoy with the bootstrap that EFMS renders for it.',
      'It has no assignment: deploy a version to it.',
    ]);
  });

  it('that has all it is to have', () => {
    expect(explain(facts({ streams: [stream({ converged: S2, types: [type()] })] }))).toEqual([
      'Envoy 1.40.0 is connected from 127.0.0.1:5000 over delta xDS since 2026-01-01T12:00:00.000Z.',
      'It is to have snapshot 222222222222.',
      'It has acknowledged all of snapshot 222222222222.',
    ]);
  });

  it('that has not answered yet, or refused', () => {
    const types = [
      type({ kind: 'cluster', ackedAt: null }),
      type({ kind: 'listener', ackedAt: null, refusal: { at: later(2), code: 13, message: 'no' } }),
      type({ kind: 'runtime', sentAt: null, ackedAt: null }),
    ];
    expect(explain(facts({ streams: [stream({ types })] })).slice(2)).toEqual([
      'It has not acknowledged all of snapshot 222222222222 yet.',
      'Sent and not answered yet: cluster.',
      'Refused: listener.',
    ]);
  });

  it('that went back to its last good snapshot', () => {
    const [, ...said] = explain(facts({ served: S1, quarantines: [quarantine()] }));
    expect(said.slice(0, 2)).toEqual([
      'Snapshot 222222222222 is held back from it: it refused cluster (code 13): c2: no hash policy',
      'Meanwhile it is served the last good snapshot 111111111111 in its place. It is offered again to a new process or another build of Envoy, or on your word (POST …/offer-again).',
    ]);
  });

  it.each([
    [{ retryAt: later(60) }, 'It is offered again at 2026-01-01T12:01:00.000Z or on your word'],
    [{ reason: 'crash_loop' }, 'It is offered again on your word (POST …/offer-again).'],
  ] as const)('that waits for another offer: %j', (change, sentence) => {
    expect(explain(facts({ served: S1, quarantines: [quarantine(change)] })).join(' ')).toContain(sentence);
  });

  it('whose first configuration was refused', () => {
    const said = explain(facts({ lastGood: null, quarantines: [quarantine()] })).join(' ');
    expect(said).toContain('it never had another in full, so it keeps what it applied');
  });

  it('that was offered again what it refused', () => {
    const said = explain(facts({ quarantines: [quarantine({ held: false, offeredAt: AT })] }));
    expect(said[1]).toContain('was offered to it again; before, it refused cluster');
  });

  it.each([
    ['unmanaged', null, 'is sent nothing, so that it keeps them'],
    ['frozen', facts().assigned, 'until somebody takes it over (POST …/take-over)'],
  ] as const)('that comes from elsewhere and is %s', (management, assigned, sentence) => {
    const said = explain(facts({ assigned, streams: [stream({ management })] }));
    expect(said[1]).toContain(sentence);
    expect(said.join(' ')).not.toContain('acknowledged all');
  });

  it('that is there twice, or gone', () => {
    const streams = [stream(), stream({ bootId: 'boot-2' })];
    expect(explain(facts({ streams }))[1]).toContain('2 live streams of 2 processes');
    expect(explain(facts({ streams: [stream({ endedAt: later(5) })] }))[0]).toBe(
      'It is not connected; its last stream ended at 2026-01-01T12:00:05.000Z.',
    );
  });
});
