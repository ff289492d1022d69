import {
  edsCluster,
  endpointSet,
  httpListener,
  type Resource,
  routeConfiguration,
} from '../../../test/kit/resources.ts';
import { nameOf, POISON } from '../client/names.ts';
import type { Random } from '../random.ts';

/** Resources by collection, as versions are committed. */
export type Document = Readonly<
  Record<'clusters' | 'endpoints' | 'secrets' | 'listeners' | 'routes', readonly Resource[]>
>;

interface Cluster {
  readonly number: number;
  mark: string;
  ports: readonly number[];
  secret: number;
}

interface Listener {
  readonly number: number;
  mark: string;
  port: number;
  routes: number;
}

interface Routes {
  readonly number: number;
  mark: string;
  clusters: readonly number[];
}

const CLUSTERS = { least: 2, most: 8 };
/** Lines take turns, each two at a time. */
const PORTS = { first: 1024, count: 60_000, lines: 16 };

/**
 * What is committed to one configuration, changed a little each time. All that it makes is its own: no two lines have a resource
 * with the same content, so what is given to a proxy of another line, or of another tenant, shows.
 */
export class Line {
  private readonly name: string;
  private readonly number: number;
  private readonly random: Random;
  private readonly secrets: number;
  private changes = 0;
  private clusters: Cluster[] = [];
  private routes: Routes[] = [];
  private listeners: Listener[] = [];

  /**
   * @param number of the line, less than 16
   * @param secrets how many secrets the tenant has
   */
  constructor({ name, number, secrets }: { name: string; number: number; secrets: number }, random: Random) {
    this.name = name;
    this.number = number;
    this.secrets = secrets;
    this.random = random;
    for (let i = 0; i < 4; i += 1) this.addCluster();
    for (let i = 0; i < 2; i += 1) this.addListener(this.addRoutes());
  }

  get document(): Document {
    const secrets = [...new Set(this.clusters.map(({ secret }) => nameOf.secret(secret)))];
    return {
      clusters: this.clusters.map(({ number, mark, secret }) =>
        edsCluster(nameOf.cluster(number), marked({ mark, secret: nameOf.secret(secret) })),
      ),
      endpoints: this.clusters.map(({ number, ports }) => endpointSet(nameOf.cluster(number), ...ports)),
      secrets: secrets.map((name) => ({ name })),
      listeners: this.listeners.map(({ number, mark, port, routes }) => ({
        ...httpListener(nameOf.listener(number), port, nameOf.route(routes)),
        ...marked({ mark }),
      })),
      routes: this.routes.map(({ number, mark, clusters }) => {
        const paths = clusters.map((cluster, i) => [i === 0 ? `/${mark}` : `/${i}`, nameOf.cluster(cluster)]);
        return routeConfiguration(nameOf.route(number), Object.fromEntries(paths) as Record<string, string>);
      }),
    };
  }

  /** An endpoint of a cluster, as it is now. */
  someEndpoint(): { readonly clusterName: string; readonly port: number } {
    const { number, ports } = this.random.one(this.clusters);
    return { clusterName: nameOf.cluster(number), port: this.random.one(ports) };
  }

  /** Changes something, or several things. */
  change(): void {
    this.heal();
    const count = this.random.isLucky(0.15) ? 4 : 1;
    for (let i = 0; i < count; i += 1) this.random.one(this.kindsOfChange)();
  }

  /** Changes something so that some proxies refuse it; the next change takes it back. */
  poison(): void {
    const parts = [...this.clusters, ...this.routes, ...this.listeners];
    this.random.one(parts).mark = `${POISON}-${this.nextMark()}`;
  }

  private readonly kindsOfChange: readonly (() => void)[] = [
    ...Array.from({ length: 4 }, () => () => {
      this.random.one(this.clusters).ports = this.nextPorts();
    }),
    () => {
      this.random.one(this.clusters).mark = this.nextMark();
    },
    () => {
      this.random.one(this.clusters).secret = this.random.below(this.secrets);
    },
    () => this.changeRoutes(),
    () => this.changeRoutes(),
    () => {
      if (this.clusters.length < CLUSTERS.most) this.addCluster();
      this.changeRoutes();
    },
    () => this.removeCluster(),
    () => {
      const listener = this.random.one(this.listeners);
      listener.mark = this.nextMark();
    },
    () => this.replaceListener(),
    () => this.replaceRoutes(),
  ];

  private addCluster(): void {
    const number = unused(this.clusters);
    const secret = this.random.below(this.secrets);
    this.clusters.push({ number, mark: this.nextMark(), ports: this.nextPorts(), secret });
  }

  private addRoutes(): Routes {
    const routes = { number: unused(this.routes), mark: this.nextMark(), clusters: this.someClusters() };
    this.routes.push(routes);
    return routes;
  }

  private addListener(routes: Routes): void {
    const number = unused(this.listeners);
    this.listeners.push({ number, mark: this.nextMark(), port: 10_000 + number, routes: routes.number });
  }

  private changeRoutes(): void {
    const routes = this.random.one(this.routes);
    routes.mark = this.nextMark();
    routes.clusters = this.someClusters();
  }

  private removeCluster(): void {
    if (this.clusters.length <= CLUSTERS.least) return;
    const { number } = this.random.one(this.clusters);
    this.clusters = this.clusters.filter((cluster) => cluster.number !== number);
    for (const routes of this.routes) {
      if (!routes.clusters.includes(number)) continue;
      routes.mark = this.nextMark();
      routes.clusters = this.someClusters();
    }
  }

  /** Another name at the same address. */
  private replaceListener(): void {
    const old = this.random.one(this.listeners);
    const next = { ...old, number: unused(this.listeners), mark: this.nextMark() };
    this.listeners = this.listeners.map((listener) => (listener === old ? next : listener));
  }

  private replaceRoutes(): void {
    const listener = this.random.one(this.listeners);
    listener.routes = this.addRoutes().number;
    const used = new Set(this.listeners.map(({ routes }) => routes));
    this.routes = this.routes.filter(({ number }) => used.has(number));
  }

  private heal(): void {
    for (const part of [...this.clusters, ...this.routes, ...this.listeners]) {
      if (part.mark.startsWith(POISON)) part.mark = this.nextMark();
    }
  }

  private someClusters(): number[] {
    return this.random.some(this.clusters, 2).map(({ number }) => number);
  }

  private nextMark(): string {
    this.changes += 1;
    return `${this.name}-${this.changes}`;
  }

  private nextPorts(): number[] {
    this.changes += 1;
    const port = PORTS.first + ((2 * (this.changes * PORTS.lines + this.number)) % PORTS.count);
    return [port, port + 1];
  }
}

/** The lowest number that none of them has, so that names come again. */
function unused(taken: readonly { readonly number: number }[]): number {
  let number = 0;
  while (taken.some((each) => each.number === number)) number += 1;
  return number;
}

const marked = (facts: Readonly<Record<string, string>>): Resource => ({
  metadata: { filter_metadata: { 'com.example.simulation': facts } },
});
