import { proxyKeyText } from '../../infrastructure/index.js';
import type { ProxyIdentity } from './ports.js';
import type { RefusalReason } from './server-stats.js';

/** Far above what an Envoy needs, with a hot restart, streams that nobody knows to be dead yet, and a configuration of 20,000 clusters. */
const LIMITS = {
  /** Streams of one proxy that live in this process. */
  streams: 64,
  /** What they remember of what it asked for, and hold for it to read, in bytes. */
  weight: 128 * 1024 * 1024,
} as const;

/** A stream as it counts against its proxy. */
export interface WeighedStream {
  /** About how many bytes it keeps for its client alone. */
  readonly weight: number;
  end(reason: RefusalReason, details: string): void;
}

/** All streams of one proxy in this process. */
export interface ProxyShare {
  /** Ends streams, but for the one that grew, until the proxy is within its limits. What one stream may keep has limits of its own. */
  weigh(grown: WeighedStream): void;
  leave(stream: WeighedStream): void;
}

/**
 * What one proxy may cost this process, so that one that is broken, or in the wrong hands, takes no memory from all others. Its oldest streams
 * end first: those are half-open more often than not, and the newest is the one that counts.
 */
export class ProxyStreams {
  private readonly byProxy = new Map<string, StreamsOfProxy>();

  enter(identity: ProxyIdentity, stream: WeighedStream): ProxyShare {
    const key = proxyKeyText(identity);
    let share = this.byProxy.get(key);
    if (!share) {
      share = new StreamsOfProxy(() => this.byProxy.delete(key));
      this.byProxy.set(key, share);
    }
    share.enter(stream);
    return share;
  }
}

class StreamsOfProxy implements ProxyShare {
  private readonly streams = new Set<WeighedStream>();

  constructor(private readonly onEmpty: () => void) {}

  enter(stream: WeighedStream): void {
    this.streams.add(stream);
    this.weigh(stream);
  }

  leave(stream: WeighedStream): void {
    if (this.streams.delete(stream) && this.streams.size === 0) this.onEmpty();
  }

  weigh(grown: WeighedStream): void {
    // Of most proxies there is one, which does not end for itself.
    if (this.streams.size <= 1) return;
    const streams = [...this.streams];
    let count = streams.length;
    let weight = streams.reduce((sum, stream) => sum + stream.weight, 0);
    for (const oldest of streams) {
      if (count <= LIMITS.streams && weight <= LIMITS.weight) return;
      if (oldest === grown) continue;
      count -= 1;
      weight -= oldest.weight;
      oldest.end('resource_exhausted', 'the proxy has too many streams, or they keep too much');
    }
  }
}
