import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';

/** What a stream tells of the snapshot that its proxy has. */
export interface RunningRecord {
  /** Before the stream is told to serve it. */
  serving(hash: string | null): void;
  converged(hash: string): void;
  detached(): void;
}

interface Entry {
  /** What the proxy has in full; null while that is not known. */
  hash: string | null;
  /** Monotonic milliseconds. */
  since: number;
  /** The stream that tells: the newest. Null: it has ended. */
  stream: string | null;
  endedAt: number;
}

/** For how long a stream that comes back goes on where the one before ended. */
const REMEMBERED_MS = 60_000;

/** Which snapshot each proxy that is connected to this replica has in full, and since when, so that its traffic counts for the right one. */
@Injectable()
export class RunningSnapshots {
  private readonly entries = new Map<string, Entry>();
  /** Ended, the longest ago first. */
  private readonly ended = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Begins to listen to a stream; of several streams of a proxy the newest is believed, as in the ledger. */
  attach(proxyId: string, stream: string): RunningRecord {
    this.forget();
    const entry = this.entries.get(proxyId) ?? { hash: null, since: this.clock.monotonic(), stream, endedAt: 0 };
    entry.stream = stream;
    this.entries.set(proxyId, entry);
    this.ended.delete(proxyId);
    const tell = (hash: string | null): void => {
      if (entry.stream !== stream || entry.hash === hash) return;
      entry.hash = hash;
      entry.since = this.clock.monotonic();
    };
    return {
      serving: (hash) => {
        if (hash !== entry.hash) tell(null);
      },
      converged: (hash) => tell(hash === '' ? null : hash),
      detached: () => {
        if (entry.stream !== stream) return;
        entry.stream = null;
        entry.endedAt = this.clock.monotonic();
        this.ended.set(proxyId, entry);
      },
    };
  }

  /**
   * What a proxy had in full from a point of monotonic time until now; null where it changed or is not known, undefined where the proxy
   * is not connected to this replica.
   */
  since(proxyId: string, from: number): string | null | undefined {
    const entry = this.entries.get(proxyId);
    if (!entry || entry.stream === null) return undefined;
    return entry.since <= from ? entry.hash : null;
  }

  private forget(): void {
    for (const [proxyId, { endedAt }] of this.ended) {
      if (this.clock.monotonic() - endedAt < REMEMBERED_MS) return;
      this.ended.delete(proxyId);
      this.entries.delete(proxyId);
    }
  }
}
