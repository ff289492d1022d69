import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Events } from './events.service.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';

/** Publishes what the streams of events count, when it is scraped. */
@Injectable()
export class EventMetrics {
  constructor(@Inject(Events) { stats }: Events, @Inject(METRICS_REGISTRY) registry: Registry) {
    const registers = [registry];
    new Gauge({
      name: 'efms_event_streams',
      help: 'Streams of events that are open now',
      labelNames: ['transport'],
      registers,
      collect() {
        for (const [transport, open] of Object.entries(stats.open)) this.set({ transport }, open);
      },
    });
    new Counter({
      name: 'efms_event_streams_ended_total',
      help: 'Streams of events that ended, by reason',
      labelNames: ['transport', 'reason'],
      registers,
      collect() {
        this.reset();
        for (const [transport, reasons] of Object.entries(stats.ended))
          for (const [reason, count] of Object.entries(reasons)) this.inc({ transport, reason }, count);
      },
    });
  }
}
