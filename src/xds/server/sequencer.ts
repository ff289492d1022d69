import type { ResourceKind } from '../resource-types.js';

/**
 * Make before break, as pure functions of how far each type is. A transition has three stages:
 *
 * 1. `clusters`: clusters with what they wait for, as the union of old and new, so that nothing that is in use goes away;
 * 2. `listeners`: listeners, final, with their routes, which may now refer to any cluster, old or new;
 * 3. `removals`: what only the old snapshot had.
 *
 * The barrier stands between stages and never between a parent and its children, because Envoy withholds the ACK of a
 * cluster until its endpoints and secrets are there (envoy-behaviour.md, "Order"). The stage is not remembered but derived from
 * what the client has, so a newer snapshot in mid-transition, a reconnect and a first configuration need no rule of their own.
 */
export type Stage = 'clusters' | 'listeners' | 'removals';

/** The order in which types are sent: parents before children, users after what they use. */
export const SEND_ORDER: readonly ResourceKind[] = [
  'cluster',
  'endpoint',
  'secret',
  'runtime',
  'listener',
  'route',
  'extensionConfig',
];

const SECOND_GROUP: ReadonlySet<ResourceKind> = new Set(['listener', 'route', 'extensionConfig']);

/** How far one type of a stream is on its way to the desired snapshot. */
export interface Progress {
  readonly kind: ResourceKind;
  /** Everything desired that the client wants is acknowledged, and nothing is on the way. */
  readonly isUpToDate: boolean;
  /** The client has nothing beyond what is desired. */
  readonly isTrimmed: boolean;
}

/** The stage of a transition. A refused type is not up to date, so it holds the later stages back. */
export function stageOf(progress: readonly Progress[]): Stage {
  let stage: Stage = 'removals';
  for (const type of progress) {
    if (!SECOND_GROUP.has(type.kind)) {
      if (!type.isUpToDate) return 'clusters';
    } else if (!type.isUpToDate || (type.kind === 'listener' && !type.isTrimmed)) {
      stage = 'listeners';
    }
  }
  return stage;
}

/** Whether a type may be sent: clusters, endpoints and secrets always, so that what is being served keeps its updates. */
export function isOpen(kind: ResourceKind, stage: Stage): boolean {
  return stage !== 'clusters' || !SECOND_GROUP.has(kind);
}

/**
 * Whether a response may take away what the client has. Listeners go with the listeners that replace them, because the new
 * one may need the address of the old; everything else goes last.
 */
export function mayRemove(kind: ResourceKind, stage: Stage): boolean {
  return stage === 'removals' || (kind === 'listener' && stage === 'listeners');
}
