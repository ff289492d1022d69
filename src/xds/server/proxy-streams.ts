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

/**
 * What one proxy may cost this process, so that one that is broken, or in the wrong hands, takes no memory from all others. Its oldest streams
 * end first: those are half-open more often than not, and the newest is the one that counts.
 */
export class ProxyStreams {
  private readonly byProxy = new Map<string, Set<WeighedStream>>();

  enter(identity: ProxyIdentity, stream: WeighedStream): void {
    const key = proxyKeyText(identity);
    const streams = this.byProxy.get(key) ?? new Set();
    this.byProxy.set(key, streams.add(stream));
    this.weigh(identity, stream);
  }

  leave(identity: ProxyIdentity, stream: WeighedStream): void {
    const key = proxyKeyText(identity);
    const streams = this.byProxy.get(key);
    streams?.delete(stream);
    if (streams?.size === 0) this.byProxy.delete(key);
  }

  /** Ends streams of the proxy, but for the one that grew, until it is within its limits. What one stream may keep has limits of its own. */
  weigh(identity: ProxyIdentity, grown: WeighedStream): void {
    const streams = [...(this.byProxy.get(proxyKeyText(identity)) ?? [])];
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
