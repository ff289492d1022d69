import { Inject, Injectable } from '@nestjs/common';
import { HANDED_OVER, RESOURCE_TYPES, ServerStats, TURNED_AWAY, XdsServer } from '../../xds/index.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { fromNothing, labelled, Publisher } from './publish.js';

const NO_TYPES = fromNothing(RESOURCE_TYPES.map(({ kind }) => kind));

const NOBODY_TURNED_AWAY = fromNothing(TURNED_AWAY);
const NOBODY_HANDED_OVER = fromNothing(HANDED_OVER);

/** Publishes what the xDS server counts. */
@Injectable()
export class XdsMetrics {
  constructor(
    @Inject(ServerStats) stats: ServerStats,
    @Inject(XdsServer) server: XdsServer,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    const publisher = new Publisher(registry);
    publishServer(publisher, stats, server);
    publishResponses(publisher, stats);
  }
}

function publishServer(publisher: Publisher, stats: ServerStats, server: XdsServer): void {
  publisher.gauge({
    name: 'efms_xds_connections',
    help: 'Connections to the xDS port that are open now',
    read: () => server.connections,
  });
  publisher.counter({
    name: 'efms_xds_connections_total',
    help: 'Connections to the xDS port that were accepted',
    read: () => server.accepted,
  });
  publisher.gauge({
    name: 'efms_xds_streams',
    help: 'Streams of proxies that are open now; type all is ADS, others are services of one type',
    labels: ['variant', 'type'],
    read: () =>
      Object.entries(stats.openStreamsOf).flatMap(([variant, types]) =>
        [...new Map([['all', 0], ...types])].map(([type, open]) => [{ variant, type }, open] as const),
      ),
  });
  publisher.counter({
    name: 'efms_xds_streams_total',
    help: 'Streams of proxies that were ever opened',
    labels: ['variant'],
    read: () => labelled('variant', Object.entries(stats.attachedStreams)),
  });
  publisher.counter({
    name: 'efms_xds_refusals_total',
    help: 'Streams that were refused or ended by EFMS, by reason',
    labels: ['reason'],
    read: () => labelled('reason', stats.refusals),
  });
  publisher.gauge({
    name: 'efms_xds_waiting_streams',
    help: 'Streams that are taken and not served yet',
    read: () => stats.waitingStreams,
  });
  publisher.counter({
    name: 'efms_xds_turned_away_total',
    help: 'Streams, and connections, that were turned away before anything was done for them, by reason',
    labels: ['reason'],
    read: () =>
      labelled('reason', [...NOBODY_TURNED_AWAY, ...stats.turnedAway, ['connections', stats.refusedConnections]]),
  });
  publisher.counter({
    name: 'efms_xds_handed_over_total',
    help: 'Streams that were ended so that their proxies connect to another replica, by reason',
    labels: ['reason'],
    read: () => labelled('reason', [...NOBODY_HANDED_OVER, ...stats.handedOver]),
  });
  publisher.gauge({
    name: 'efms_xds_slow_streams',
    help: 'Streams whose proxies have not read yet what was written; they are sent the newest once they have',
    read: () => stats.slowReaders,
  });
}

function publishResponses(publisher: Publisher, stats: ServerStats): void {
  const byType = [
    ['responses_total', 'Responses sent, by type of resource', stats.responses],
    ['resources_sent_total', 'Resources in the responses sent, by type', stats.resources],
    ['response_bytes_total', 'Bytes of the responses sent, by type', stats.responseBytes],
    ['unchanged_total', 'Types of which a proxy came back with all of it, so that nothing was sent', stats.unchanged],
    ['acks_total', 'Responses that proxies acknowledged, by type', stats.acks],
    ['nacks_total', 'Responses that proxies refused, by type', stats.nacks],
  ] as const;
  for (const [name, help, counts] of byType) {
    publisher.counter({
      name: `efms_xds_${name}`,
      help,
      labels: ['type'],
      read: () => labelled('type', [...NO_TYPES, ...counts]),
    });
  }
}
