import type { Entry } from './attached-streams.js';
import type { Target } from './targets.js';

/** A stream, and what it is to be served. */
export interface Aim {
  readonly entry: Entry;
  readonly target: Target;
}

/** Streams that are to be served one snapshot, after the same past. */
export interface Group {
  readonly tenantId: string;
  readonly hash: string;
  /** Of one of them, for what they have in common. */
  readonly target: Target;
  readonly members: Aim[];
}

/** Gathers streams by what they are to be served. */
export class SnapshotGroups {
  private readonly groups = new Map<string, Group>();
  /** Most come in the order of their groups. */
  private last: Group | undefined;

  add(aim: Aim, hash: string): void {
    if (!this.last || !haveTheSame(this.last.target, aim.target)) this.last = this.groupOf(aim.target, hash);
    this.last.members.push(aim);
  }

  values(): Iterable<Group> {
    return this.groups.values();
  }

  private groupOf(target: Target, hash: string): Group {
    const { tenantId, goodHash, takenOver, tried } = target;
    const key = [tenantId, hash, goodHash, takenOver, ...tried].join('/');
    const group = this.groups.get(key) ?? { tenantId, hash, target, members: [] };
    this.groups.set(key, group);
    return group;
  }
}

/** False also for lists that are equal but not the same one. */
const haveTheSame = (a: Target, b: Target): boolean =>
  a.hash === b.hash &&
  a.tried === b.tried &&
  a.goodHash === b.goodHash &&
  a.tenantId === b.tenantId &&
  a.takenOver === b.takenOver;
