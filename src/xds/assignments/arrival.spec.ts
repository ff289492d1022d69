import { describe, expect, it } from '@jest/globals';
import { type Arrival, judgeArrival, type PriorProcess, type ServedContent } from './arrival.js';

const arrival = (change: Partial<Arrival> = {}): Arrival => ({
  streamId: 'second',
  bootId: 'new',
  envoyVersion: '1.40.0',
  claimsNothing: true,
  ...change,
});
const prior = (change: Partial<PriorProcess> = {}): PriorProcess => ({
  bootIds: ['old', 'older'],
  streamId: 'first',
  hasAcknowledged: true,
  crashHash: null,
  crashes: 0,
  longestMs: 0,
  ...change,
});
const served = (change: Partial<ServedContent> = {}): ServedContent => ({
  hash: 's2',
  sentForMs: 2_000,
  wasSent: true,
  goodRanMs: 3_600_000,
  ...change,
});

describe('a process that arrives', () => {
  it('is new where nobody came before it, and no crash', () => {
    expect(judgeArrival(arrival(), null, served())).toMatchObject({ isNewProcess: true, crashes: 0 });
  });

  it.each(['old', 'older'])('is one of before with its boot id (%s), however often it comes back', (bootId) => {
    const verdict = judgeArrival(arrival({ bootId }), prior({ crashHash: 's2', crashes: 1 }), served());
    expect(verdict).toEqual({ isNewProcess: false, crashHash: 's2', crashes: 1, longestMs: 0, isCrashLoop: false });
  });

  it('shows a crash where the one before it went within a minute of being sent the snapshot', () => {
    expect(judgeArrival(arrival(), prior(), served())).toEqual({
      isNewProcess: true,
      crashHash: 's2',
      crashes: 1,
      longestMs: 2_000,
      isCrashLoop: false,
    });
  });

  it('shows a crash loop with the second in a row', () => {
    const before = prior({ crashHash: 's2', crashes: 1, longestMs: 5_000 });
    expect(judgeArrival(arrival(), before, served())).toMatchObject({
      crashes: 0,
      longestMs: 5_000,
      isCrashLoop: true,
    });
  });

  it('counts on after a process of which nobody knows whether it was sent anything', () => {
    const before = prior({ crashHash: 's2', crashes: 1, longestMs: 5_000 });
    const unknown = judgeArrival(arrival(), before, served({ wasSent: false }));
    expect(unknown).toEqual({ isNewProcess: true, crashHash: 's2', crashes: 1, longestMs: 5_000, isCrashLoop: false });
  });

  it.each([
    ['the snapshot before it', { crashHash: 's1' }, {}],
    ['a process that lived longer than a minute', { crashHash: 's2' }, { sentForMs: 60_001 }],
    ['a process that went before it was sent anything', { crashHash: 's2' }, { wasSent: false }],
    ['the last good one itself', { crashHash: 's2' }, { goodRanMs: null }],
    ['a good one that ran no longer', { crashHash: 's2', longestMs: 9_000 }, { goodRanMs: 9_000 }],
  ] as const)('does not blame the snapshot for %s', (_, before, content) => {
    const verdict = judgeArrival(arrival(), prior({ crashes: 1, ...before }), served(content));
    expect(verdict.isCrashLoop).toBe(false);
  });

  it('without a boot id is new only where it claims nothing although something was acknowledged', () => {
    const unnamed = prior({ bootIds: [] });
    const isNew = (change: Partial<Arrival>, before = unnamed): boolean =>
      judgeArrival(arrival({ bootId: null, ...change }), before, served()).isNewProcess;
    expect(isNew({ claimsNothing: true })).toBe(true);
    expect(isNew({ claimsNothing: false })).toBe(false);
    expect(isNew({ claimsNothing: true }, prior({ bootIds: [], hasAcknowledged: false }))).toBe(false);
    expect(isNew({ claimsNothing: true, streamId: 'first' })).toBe(false);
  });
});
