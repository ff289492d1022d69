import { edsCluster, endpointSet, httpListener, type Resource, routeConfiguration } from '../../test/kit/resources.ts';
import type { Kind } from './client/requests.ts';

/** What a push changes: one resource, or all of a kind. */
export type Change = 'one' | 'all';

/** Resources by collection, as versions are committed. */
export type Snapshot = Readonly<
  Partial<Record<'clusters' | 'endpoints' | 'listeners' | 'routes', readonly Resource[]>>
>;

/** Bytes of a cluster in a response, of which a snapshot has as many as its size says. */
const CLUSTER_BYTES = 1024;
/** What of that is not filling. */
const OVERHEAD = { alone: 137, withEndpoints: 300 };

const filling = (bytes: number): Resource => ({
  metadata: { filter_metadata: { 'com.example.filling': { text: 'x'.repeat(bytes) } } },
});
const nameOf = (number: number): string => `cluster-${String(number).padStart(4, '0')}`;
const countOf = (bytes: number): number => Math.max(1, Math.round(bytes / CLUSTER_BYTES));

/**
 * Clusters and nothing else, that both servers can be given.
 * @param bytes of a response with all of them
 */
export const clustersOf = (bytes: number): Resource[] =>
  clustersNamed(Array.from({ length: countOf(bytes) }, (_, i) => nameOf(i)));

/** The same with other names. */
export function clustersNamed(names: readonly string[]): Resource[] {
  return names.map((name) => ({
    name,
    alt_stat_name: 'change-00000000',
    type: 'STATIC',
    connect_timeout: '5s',
    ...filling(CLUSTER_BYTES - OVERHEAD.alone),
  }));
}

/** Everything that a proxy needs to serve: clusters with their endpoints, a listener and its routes. */
export function edgeOf(bytes: number): Snapshot {
  const names = Array.from({ length: countOf(bytes) }, (_, i) => nameOf(i));
  const more = { alt_stat_name: 'change-00000000', ...filling(CLUSTER_BYTES - OVERHEAD.withEndpoints) };
  return {
    clusters: names.map((name) => edsCluster(name, more)),
    endpoints: names.map((name) => endpointSet(name, 8001)),
    listeners: [httpListener('ingress', 10_000, 'routes')],
    routes: [routeConfiguration('routes', { '/': nameOf(0) })],
  };
}

/** The same with the clusters, or the one in the middle, changed as `go-control-plane` of the benchmark changes them. */
export function changed(snapshot: Snapshot, change: Change, number: number): Snapshot {
  const clusters = snapshot.clusters ?? [];
  const mark = { alt_stat_name: `change-${String(number).padStart(8, '0')}` };
  const middle = Math.floor(clusters.length / 2);
  return {
    ...snapshot,
    clusters: clusters.map((cluster, i) => (change === 'all' || i === middle ? { ...cluster, ...mark } : cluster)),
  };
}

/** Kinds that a proxy asks for of such a snapshot, and the names of those that are asked for by name. */
export function subscriptionOf(snapshot: Snapshot): {
  readonly kinds: readonly Kind[];
  readonly names: Readonly<Partial<Record<Kind, readonly string[]>>>;
} {
  if (!snapshot.listeners) return { kinds: ['cluster'], names: {} };
  const endpoint = (snapshot.endpoints ?? []).map((each) => String(each['cluster_name']));
  const route = (snapshot.routes ?? []).map((each) => String(each['name']));
  return { kinds: ['cluster', 'endpoint', 'listener', 'route'], names: { endpoint, route } };
}

/** Responses that a change of clusters brings: endpoints come again with the clusters that wait for them. */
export const responsesTo = (snapshot: Snapshot): number => (snapshot.endpoints ? 2 : 1);
