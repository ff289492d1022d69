import { describe, expect, it } from '@jest/globals';
import type { HeldAssignment, ProxyProgress } from '../../xds/index.js';
import { type AssignedTarget, type JudgeRules, judge } from './judge.js';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000);

const target = (changes: Partial<AssignedTarget> = {}): AssignedTarget => ({
  snapshotHash: 'new',
  previousSnapshotHash: 'old',
  assignedAt: at(0),
  connectedMs: 0,
  connectedFrom: null,
  ...changes,
});

const progress = (changes: Partial<ProxyProgress> = {}): ProxyProgress => ({
  connected: true,
  connectedSince: at(-100),
  convergedHash: 'old',
  servingHash: 'new',
  held: null,
  frozen: false,
  ...changes,
});

const rules = (now: number, changes: Partial<JudgeRules> = {}): JudgeRules => ({
  now: at(now),
  judgedAt: at(now - 1),
  timeoutMs: 60_000,
  disconnected: 'wait',
  ...changes,
});

const refused = (hash: string): HeldAssignment => ({
  hash,
  reason: 'nack',
  kind: 'listener',
  code: 13,
  message: 'cannot bind',
  at: at(1),
  retryAt: null,
  insteadHash: null,
});

const away = progress({ connected: false, connectedSince: null });

describe('judge', () => {
  it('lets a target succeed when its proxy serves the wanted content, connected or not', () => {
    expect(judge(target(), progress({ convergedHash: 'new' }), rules(1)).status).toBe('succeeded');
    expect(judge(target(), { ...away, convergedHash: 'new' }, rules(999)).status).toBe('succeeded');
  });

  it('fails where this content is held back, with the words of Envoy', () => {
    expect(judge(target(), progress({ held: refused('new') }), rules(2))).toMatchObject({
      status: 'failed',
      reason: 'nack',
      message: 'Envoy refused listener (code 13): cannot bind',
    });
    expect(judge(target(), progress({ held: { ...refused('new'), reason: 'crash_loop' } }), rules(2))).toMatchObject({
      status: 'failed',
      reason: 'crash_loop',
      message: 'two processes in a row went down soon after they were sent it',
    });
  });

  it('does not fail a target for other content that is held back', () => {
    expect(judge(target(), progress({ held: refused('old') }), rules(2)).status).toBe('assigned');
  });

  it('fails when the proxy was connected for the whole timeout', () => {
    expect(judge(target({ connectedFrom: at(0) }), progress(), rules(59)).status).toBe('assigned');
    expect(judge(target({ connectedFrom: at(0) }), progress(), rules(60))).toMatchObject({
      status: 'failed',
      reason: 'timeout',
    });
  });

  it('counts from the assignment, not from the connection', () => {
    expect(judge(target(), progress(), rules(1)).connectedFrom).toEqual(at(0));
    expect(judge(target(), progress({ connectedSince: at(5) }), rules(6)).connectedFrom).toEqual(at(5));
  });

  it('stops the clock while the proxy is away', () => {
    const gone = judge(target({ connectedFrom: at(0) }), away, rules(30));
    expect(gone).toMatchObject({ status: 'assigned', connectedMs: 29_000, connectedFrom: null });
    expect(judge(target(gone), away, rules(9_999))).toMatchObject({ status: 'assigned', connectedMs: 29_000 });
    const back = judge(target(gone), progress({ connectedSince: at(10_000) }), rules(10_030));
    expect(back).toMatchObject({ status: 'assigned', connectedMs: 29_000, connectedFrom: at(10_000) });
    expect(judge(target(back), progress({ connectedSince: at(10_000) }), rules(10_031)).reason).toBe('timeout');
  });

  it('counts a break between two looks, though nobody saw it', () => {
    const reconnected = judge(
      target({ connectedFrom: at(0) }),
      progress({ connectedSince: at(50) }),
      rules(55, { judgedAt: at(10) }),
    );
    expect(reconnected).toMatchObject({ connectedMs: 10_000, connectedFrom: at(50) });
  });

  it('counts a connection that outlasted a time without an engine', () => {
    const verdict = judge(target({ connectedFrom: at(0) }), progress(), rules(61, { judgedAt: at(1) }));
    expect(verdict.reason).toBe('timeout');
  });

  it('skips a proxy that is away where that was asked for', () => {
    expect(judge(target(), away, rules(1, { disconnected: 'skip' }))).toMatchObject({
      status: 'skipped',
      reason: 'disconnected',
    });
    expect(judge(target(), progress(), rules(1, { disconnected: 'skip' })).status).toBe('assigned');
  });

  it('skips a proxy that was deleted', () => {
    expect(judge(target(), undefined, rules(1))).toMatchObject({ status: 'skipped', reason: 'deleted' });
  });
});
