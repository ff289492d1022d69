import { Inject, Injectable } from '@nestjs/common';
import { EventFeed } from './event-feed.js';
import { Events } from './events.service.js';
import { EVENTS } from './event-types.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { fromNothing, labelled, Publisher } from './publish.js';

/** Publishes what happened in the fleet, as far as events tell of it, and what the streams of events count. */
@Injectable()
export class EventMetrics {
  constructor(
    @Inject(Events) { stats }: Events,
    @Inject(EventFeed) feed: EventFeed,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    const publisher = new Publisher(registry);
    publisher.counter({
      name: 'efms_events_total',
      help: 'Events of the whole fleet, by type; every replica counts all of them, so take the largest and not the sum',
      labels: ['type'],
      read: () => labelled('type', [...fromNothing(Object.keys(EVENTS)), ...feed.seen]),
    });
    publisher.counter({
      name: 'efms_quarantines_total',
      help: 'Snapshots that were held back from a proxy, by reason (nack, crash_loop); every replica counts all of them',
      labels: ['reason'],
      read: () => labelled('reason', [...fromNothing(['nack', 'crash_loop']), ...feed.quarantined]),
    });
    publisher.gauge({
      name: 'efms_event_lag_seconds',
      help: 'For how long events may have waited to be read by this replica',
      read: () => feed.lag / 1000,
    });
    publisher.gauge({
      name: 'efms_event_streams',
      help: 'Streams of events that are open now',
      labels: ['transport'],
      read: () => labelled('transport', Object.entries(stats.open)),
    });
    publisher.counter({
      name: 'efms_event_streams_ended_total',
      help: 'Streams of events that ended, by reason',
      labels: ['transport', 'reason'],
      read: () =>
        Object.entries(stats.ended).flatMap(([transport, reasons]) =>
          Object.entries(reasons).map(([reason, count]) => [{ transport, reason }, count] as const),
        ),
    });
  }
}
