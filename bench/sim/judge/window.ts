import { type Facts, NOTHING, type Served, type Snapshot } from './facts.ts';

/** Clocks of one machine, read by different processes. */
const SLACK_MS = 50;

/**
 * The snapshots that a proxy may be on its way between: the one that it last had in full, and all that it was to be served since. Nothing
 * from before may ever come again.
 */
export class Window {
  private readonly facts: Facts;
  private readonly proxy: string;
  /** Index of what it had in full; -1 for what was before the first assignment. */
  private from = -1;

  constructor(facts: Facts, proxy: string) {
    this.facts = facts;
    this.proxy = proxy;
  }

  /** Newest first, each once. */
  snapshots(at: number): Snapshot[] {
    const served = this.served;
    const hashes = new Set<string>();
    for (let i = served.length - 1; i >= Math.max(0, this.from); i -= 1) {
      const entry = served[i];
      if (entry && entry.at <= at + SLACK_MS) hashes.add(entry.hash ?? '');
    }
    if (this.from < 0) hashes.add('');
    return [...hashes].flatMap((hash) => this.snapshot(hash) ?? []);
  }

  snapshot(hash: string): Snapshot | undefined {
    return hash === '' ? NOTHING : this.facts.snapshot(hash);
  }

  /** Whether it was to be served the snapshot at any time up to now. */
  hasEver(hash: string, at: number): boolean {
    return this.served.some((entry) => (entry.hash ?? '') === hash && entry.at <= at + SLACK_MS);
  }

  /** It has the snapshot in full: what was before that is over. */
  rest(hash: string): void {
    if (hash === '') return;
    const served = this.served;
    for (let i = Math.max(0, this.from); i < served.length; i += 1) {
      if (served[i]?.hash !== hash) continue;
      this.from = i;
      return;
    }
  }

  /** A new process: what it is served, it is served from now on. */
  restart(at: number): void {
    const seen = this.facts.surelySeen(at);
    this.from = this.served.findLastIndex((entry) => entry.at <= seen);
  }

  /** Snapshots that EFMS may have had to reckon with between two times: what the proxy may have been sent beside the one given. */
  doubts(
    since: number,
    until: number,
    hash: string,
  ): { readonly snapshots: readonly Snapshot[]; readonly isAnything: boolean } {
    const served = this.served;
    const seen = this.facts.surelySeen(since);
    const first = Math.max(
      0,
      served.findLastIndex((entry) => entry.at <= seen),
    );
    const tried = new Set(served.slice(first).flatMap((entry) => (entry.at <= until + SLACK_MS ? entry.tried : [])));
    tried.delete(hash);
    const snapshots = [...tried].flatMap((each) => this.facts.snapshot(each) ?? []);
    return { snapshots, isAnything: snapshots.length < tried.size };
  }

  /** What the proxy was known to have in full at some time between. */
  goods(since: number, until: number): ReadonlySet<string | null> {
    const served = this.served;
    const seen = this.facts.surelySeen(since);
    const first = Math.max(
      0,
      served.findLastIndex((entry) => entry.at <= seen),
    );
    return new Set(served.slice(first).flatMap((entry) => (entry.at <= until + SLACK_MS ? [entry.good] : [])));
  }

  /** What it is to be served now. */
  get newest(): Snapshot | undefined {
    return this.snapshot(this.served.at(-1)?.hash ?? '');
  }

  private get served(): readonly Served[] {
    return this.facts.served(this.proxy);
  }
}
