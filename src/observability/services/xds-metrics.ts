import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { ServerStats } from '../../xds/index.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';

/** Publishes what the xDS server counts. Read when scraped, so that counting costs the streams nothing but an addition. */
@Injectable()
export class XdsMetrics {
  constructor(
    @Inject(ServerStats) stats: ServerStats,
    @Inject(METRICS_REGISTRY) private readonly registry: Registry,
  ) {
    new Gauge({
      name: 'efms_xds_streams',
      help: 'Streams of proxies that are open now',
      labelNames: ['variant'],
      registers: [registry],
      collect() {
        for (const [variant, open] of Object.entries(stats.openStreams)) this.set({ variant }, open);
      },
    });
    this.gauge('waiting_streams', 'Streams that are taken and not served yet', () => stats.waitingStreams);
    this.gauge('connections', 'Connections of proxies that are open now', () => stats.connections);
    this.counter(
      'turned_away_total',
      'Streams turned away before anything was done for them, by reason',
      'reason',
      () => [...stats.turnedAway, ['connections', stats.refusedConnections]],
    );
    this.counter(
      'handed_over_total',
      'Streams ended so that their proxies connect elsewhere, by reason',
      'reason',
      () => stats.handedOver,
    );
    this.counter('streams_total', 'Streams that were ever opened', 'variant', () =>
      Object.entries(stats.attachedStreams),
    );
    this.counter('refusals_total', 'Streams that were refused or ended, by reason', 'reason', () => stats.refusals);
    this.counter('responses_total', 'Responses sent', 'type', () => stats.responses);
    this.counter('resources_sent_total', 'Resources in the responses sent', 'type', () => stats.resources);
    this.counter('response_bytes_total', 'Bytes of the responses sent', 'type', () => stats.responseBytes);
    this.counter('acks_total', 'Responses that proxies acknowledged', 'type', () => stats.acks);
    this.counter('nacks_total', 'Responses that proxies refused', 'type', () => stats.nacks);
  }

  private gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `efms_xds_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  private counter(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    new Counter({
      name: `efms_xds_${name}`,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value }, count);
      },
    });
  }
}
