import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { DiscoveryMethod } from './discovery-services.js';
import { type DiscoveryCall, GrpcStream, type StreamContext } from './grpc-stream.js';
import { StreamAuthenticator, StreamHost } from './ports.js';
import { ProxyStreams } from './proxy-streams.js';
import { ServerStats } from './server-stats.js';

/** All streams of this process. When the application shuts down they end UNAVAILABLE, which sends proxies to another replica. */
@Injectable()
export class OpenStreams implements BeforeApplicationShutdown {
  private readonly streams = new Set<GrpcStream>();
  private isShuttingDown = false;

  private readonly context: StreamContext;

  constructor(authenticator: StreamAuthenticator, host: StreamHost, stats: ServerStats) {
    this.context = { authenticator, host, stats, proxies: new ProxyStreams() };
  }

  /** Takes a call over. It returns at once and never throws; the call lives on by itself. */
  open(call: DiscoveryCall, method: DiscoveryMethod): void {
    const stream = new GrpcStream(call, method, this.context, (over) => this.streams.delete(over));
    this.streams.add(stream);
    if (this.isShuttingDown) stream.end('unavailable', 'the server is shutting down');
    else void stream.open();
  }

  beforeApplicationShutdown(): void {
    this.isShuttingDown = true;
    for (const stream of [...this.streams]) stream.end('unavailable', 'the server is shutting down');
  }
}
