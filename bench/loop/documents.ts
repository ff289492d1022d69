import { edsCluster, endpointSet, httpListener, type Resource, routeConfiguration } from '../../test/kit/resources.ts';

/** So many clusters and as many endpoint sets; the mark is in the first so many clusters. */
export function largeSnapshot(clusters: number, mark: string, marked = clusters): Record<string, Resource[]> {
  const names = Array.from({ length: clusters }, (_, i) => `service-${String(i).padStart(5, '0')}`);
  const tags = (i: number): Resource => ({
    metadata: { filter_metadata: { 'com.example.owner': { team: `team-${i % 40}`, tier: 'standard' } } },
  });
  return {
    clusters: names.map((name, i) => edsCluster(name, { ...tags(i), ...(i < marked && { alt_stat_name: mark }) })),
    endpoints: names.map((name) => endpointSet(name, 8001, 8002, 8003)),
  };
}

/** The same with a listener and its routes, so that a proxy asks for all of it. */
export function largeEdge(clusters: number): Record<string, Resource[]> {
  return {
    ...largeSnapshot(clusters, 'change-00000000'),
    listeners: [httpListener('ingress', 10_000, 'routes')],
    routes: [routeConfiguration('routes', { '/': 'service-00000' })],
  };
}
