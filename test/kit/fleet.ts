import type { Efms } from './efms.js';
import { eventually } from './eventually.js';
import { expectStatus } from './fleet-of-one.js';
import { type Resource, edsCluster, endpointSet, httpListener, routeConfiguration } from './resources.js';

/** A proxy that is registered and has a credential. */
export interface RegisteredProxy {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly credentialId: string;
}

export interface EndedDeployment {
  readonly id: string;
  readonly status: string;
  readonly progress: { readonly total: number; readonly successful: number; readonly failed: number };
  readonly targets: {
    readonly items: readonly {
      readonly proxy: { readonly name: string };
      readonly status: string;
      readonly reason: string | null;
      readonly message: string | null;
    }[];
  };
  readonly timeline: readonly { readonly kind: string; readonly reason: string }[];
}

/** A proxy whose node id is its name, with a token. */
export async function registerProxy(efms: Efms, name: string): Promise<RegisteredProxy> {
  const body = { nodeId: name, labels: { role: 'edge' } };
  const proxy = await expectStatus(201, efms.api('PUT', `/proxies/name:${name}`, body));
  const credential = await expectStatus(201, efms.api('POST', `/proxies/name:${name}/credentials`, {}));
  return { id: proxy.body.id, name, token: credential.body.token, credentialId: credential.body.id };
}

/** Commits on branch `main` and answers the number of the version. */
export async function commit(
  efms: Efms,
  configuration: string,
  expectedHead: number | null,
  snapshot: object,
): Promise<number> {
  const body = { branch: 'main', expectedHead, message: 'by a test', snapshot };
  const answer = await expectStatus(201, efms.api('POST', `/configurations/name:${configuration}/versions`, body));
  return answer.body.number;
}

/** What is posted to start an immediate deployment. */
export const deploymentOf = (configuration: string, version: number, proxies: readonly string[]): object => ({
  configuration: `name:${configuration}`,
  version,
  targets: { proxies: proxies.map((name) => `name:${name}`) },
  strategy: { type: 'immediate' },
});

/** Starts a deployment and answers its id. */
export async function startDeployment(
  efms: Efms,
  configuration: string,
  version: number,
  proxies: readonly string[],
): Promise<string> {
  const body = deploymentOf(configuration, version, proxies);
  return (await expectStatus(202, efms.api('POST', '/deployments', body))).body.id;
}

/** Waits until a deployment has ended and answers it, with all of its targets up to 500. */
export function deploymentEnd(efms: Efms, id: string, seconds = 30): Promise<EndedDeployment> {
  return eventually(
    `the end of deployment ${id}`,
    async () => {
      const { body } = await expectStatus(200, efms.api('GET', `/deployments/${id}?limit=500`));
      return ['succeeded', 'halted', 'aborted'].includes(body.status) ? (body as EndedDeployment) : undefined;
    },
    seconds,
  );
}

/** Everything a proxy needs to serve: the listener "ingress" with the routes "routes", and an EDS cluster of each name. */
export function edgeSnapshot(
  routes: Readonly<Record<string, string>> = { '/': 'blue' },
  clusters: readonly string[] = ['blue', 'green'],
): Record<'listeners' | 'routes' | 'clusters' | 'endpoints', Resource[]> {
  return {
    listeners: [httpListener('ingress', 10_000, 'routes')],
    routes: [routeConfiguration('routes', routes)],
    clusters: clusters.map((name) => edsCluster(name)),
    endpoints: clusters.map((name) => endpointSet(name, 8001)),
  };
}
