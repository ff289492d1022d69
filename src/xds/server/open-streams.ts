import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Connections } from './connections.js';
import type { DiscoveryMethod } from './discovery-services.js';
import { type DiscoveryCall, GrpcStream, STATUS, type StreamContext, type StreamOwner } from './grpc-stream.js';
import { StreamAuthenticator, StreamHost } from './ports.js';
import { ProxyStreams } from './proxy-streams.js';
import { ServerStats } from './server-stats.js';
import { SHUTTING_DOWN, StreamAdmission } from './stream-admission.js';

/** All streams of this process. Those that are left when the application shuts down end UNAVAILABLE, which sends proxies to another replica. */
@Injectable()
export class OpenStreams implements BeforeApplicationShutdown {
  private readonly streams = new Set<GrpcStream>();
  private readonly context: StreamContext;
  /** One for all streams, of which there are many. */
  private readonly owner: StreamOwner = {
    served: (stream) => this.admission.waitsNoMore(stream),
    over: (stream) => {
      this.admission.waitsNoMore(stream);
      this.connections.left(stream.peer);
      this.streams.delete(stream);
    },
  };

  constructor(
    authenticator: StreamAuthenticator,
    host: StreamHost,
    stats: ServerStats,
    private readonly admission: StreamAdmission,
    private readonly connections: Connections,
  ) {
    this.context = { authenticator, host, stats, proxies: new ProxyStreams() };
  }

  /** Takes a call over, or turns it away. It returns at once and never throws; the call lives on by itself. */
  open(call: DiscoveryCall, method: DiscoveryMethod): void {
    const refusal = this.admission.refusal(this.streams.size);
    if (refusal) {
      call.emit('error', { code: STATUS[refusal.reason], details: refusal.details });
      if (refusal.why === 'full') this.connections.letGo(call.getPeer());
      return;
    }
    const stream = new GrpcStream(call, method, this.context, this.owner);
    this.streams.add(stream);
    this.connections.entered(stream.peer);
    this.admission.waits(stream);
    void stream.open();
  }

  /** The streams that are open now. */
  [Symbol.iterator](): Iterator<GrpcStream> {
    return this.streams.values();
  }

  beforeApplicationShutdown(): void {
    this.admission.stop();
    for (const stream of [...this.streams]) stream.end('unavailable', SHUTTING_DOWN);
  }
}
