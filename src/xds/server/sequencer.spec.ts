import { describe, expect, it } from '@jest/globals';
import type { ResourceKind } from '../resource-types.js';
import { isOpen, mayRemove, type Progress, SEND_ORDER, stageOf } from './sequencer.js';

const DONE = { isUpToDate: true, isTrimmed: true };

function progress(changes: Partial<Record<ResourceKind, Partial<Progress>>> = {}): Progress[] {
  return SEND_ORDER.map((kind) => ({ kind, ...DONE, ...changes[kind] }));
}

describe('the stage of a transition', () => {
  it.each<[string, Partial<Record<ResourceKind, Partial<Progress>>>, string]>([
    ['clusters while a cluster is to come', { cluster: { isUpToDate: false } }, 'clusters'],
    ['clusters while an endpoint set is to come', { endpoint: { isUpToDate: false } }, 'clusters'],
    ['clusters while a secret is to come', { secret: { isUpToDate: false } }, 'clusters'],
    [
      'clusters whatever the listeners need',
      { cluster: { isUpToDate: false }, listener: { isUpToDate: false } },
      'clusters',
    ],
    ['listeners while a listener is to come', { listener: { isUpToDate: false } }, 'listeners'],
    ['listeners while a listener is to go', { listener: { isTrimmed: false } }, 'listeners'],
    ['listeners while routes are to come', { route: { isUpToDate: false } }, 'listeners'],
    ['removals while a cluster is to go', { cluster: { isTrimmed: false } }, 'removals'],
    ['removals while routes are to go', { route: { isTrimmed: false } }, 'removals'],
    ['removals when all is done', {}, 'removals'],
  ])('is %s', (_, changes, stage) => {
    expect(stageOf(progress(changes))).toBe(stage);
  });

  it('is past what the client does not ask for', () => {
    expect(stageOf([{ kind: 'listener', isUpToDate: false, isTrimmed: true }])).toBe('listeners');
    expect(stageOf([])).toBe('removals');
  });
});

describe('a stage', () => {
  it('always lets clusters, endpoints and secrets out', () => {
    for (const kind of ['cluster', 'endpoint', 'secret', 'runtime'] as const)
      expect(isOpen(kind, 'clusters')).toBe(true);
    for (const kind of ['listener', 'route', 'extensionConfig'] as const) expect(isOpen(kind, 'clusters')).toBe(false);
    for (const kind of SEND_ORDER) expect(isOpen(kind, 'listeners')).toBe(true);
  });

  it('removes listeners with their successors, and everything else last', () => {
    expect(SEND_ORDER.filter((kind) => mayRemove(kind, 'clusters'))).toEqual([]);
    expect(SEND_ORDER.filter((kind) => mayRemove(kind, 'listeners'))).toEqual(['listener']);
    expect(SEND_ORDER.filter((kind) => mayRemove(kind, 'removals'))).toEqual(SEND_ORDER);
  });

  it('sends parents before children', () => {
    const at = (kind: ResourceKind): number => SEND_ORDER.indexOf(kind);
    expect(at('cluster')).toBeLessThan(at('endpoint'));
    expect(at('cluster')).toBeLessThan(at('secret'));
    expect(at('listener')).toBeLessThan(at('route'));
  });
});
