import { type ApiAnswer, type Efms } from './efms.js';
import { startEnvoy, type RunningEnvoy } from './envoy.js';
import { eventually } from './eventually.js';
import { freePort } from './ports.js';
import { type Resource } from './resources.js';

export type Protocol = 'delta' | 'sotw';
export const PROTOCOLS: readonly Protocol[] = ['delta', 'sotw'];

export interface Snapshot {
  readonly listeners?: readonly Resource[];
  readonly routes?: readonly Resource[];
  readonly clusters?: readonly Resource[];
  readonly endpoints?: readonly Resource[];
  readonly secrets?: readonly Resource[];
}

/** One proxy and its line of configurations, seen through the REST API, as its operator would. */
export class FleetOfOne {
  private constructor(
    private readonly efms: Efms,
    readonly proxy: string,
    private readonly credential: Credential,
    private readonly history: { head: number | null } = { head: null },
  ) {}

  /**
   * Registers a proxy with a credential, and a configuration of the same name.
   * @param more further fields of the proxy, such as its locality
   */
  static async register(efms: Efms, proxy: string, more: object = {}): Promise<FleetOfOne> {
    const body = { nodeId: proxy, labels: { role: 'edge' }, ...more };
    await expectStatus(201, efms.api('PUT', `/proxies/name:${proxy}`, body));
    const credential = await expectStatus(201, efms.api('POST', `/proxies/name:${proxy}/credentials`, {}));
    await expectStatus(201, efms.api('POST', '/configurations', { name: proxy }));
    return new FleetOfOne(efms, proxy, credential.body as Credential);
  }

  /** What the proxy proves itself with. */
  get token(): string {
    return this.credential.token;
  }

  /** How to start Envoy, as EFMS puts it. */
  get startCommand(): string {
    return this.credential.startCommand;
  }

  /** The same fleet, operated through another replica. */
  through(efms: Efms): FleetOfOne {
    return new FleetOfOne(efms, this.proxy, this.credential, this.history);
  }

  /** The rendered bootstrap with the token in its place. */
  async bootstrap(query: Readonly<Record<string, string>>): Promise<string> {
    const parameters = new URLSearchParams(query).toString();
    const answer = await expectStatus(200, this.efms.api('GET', `/proxies/name:${this.proxy}/bootstrap?${parameters}`));
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    return text.replaceAll('EFMS_TOKEN', this.token);
  }

  /** A stock Envoy with the rendered bootstrap and nothing else, but for what is given. */
  async startEnvoy(
    protocol: Protocol,
    more: { readonly release?: string; readonly args?: readonly string[] } = {},
  ): Promise<RunningEnvoy> {
    const adminPort = String(await freePort());
    return startEnvoy({ bootstrap: await this.bootstrap({ format: 'yaml', protocol, adminPort }), ...more });
  }

  /** Commits a snapshot and answers the number of its version. */
  async commit(snapshot: Snapshot): Promise<number> {
    const answer = await expectStatus(
      201,
      this.efms.api('POST', `/configurations/name:${this.proxy}/versions`, {
        branch: 'main',
        expectedHead: this.history.head,
        message: `after version ${this.history.head ?? 'none'}`,
        snapshot,
      }),
    );
    const { number } = answer.body as { number: number };
    this.history.head = number;
    return number;
  }

  /** Starts a deployment of the newest version to the proxy and answers its id. */
  async startDeployment(): Promise<string> {
    const answer = await expectStatus(
      202,
      this.efms.api('POST', '/deployments', {
        configuration: `name:${this.proxy}`,
        version: this.history.head,
        targets: { proxies: [`name:${this.proxy}`] },
        strategy: { type: 'immediate' },
      }),
    );
    return (answer.body as { id: string }).id;
  }

  /** Waits until a deployment has ended and answers it. */
  async ended(deployment: string): Promise<Deployment> {
    return eventually(
      `the end of deployment ${deployment}`,
      async () => {
        const { body } = await expectStatus(200, this.efms.api('GET', `/deployments/${deployment}`));
        const found = body as Deployment;
        return ['succeeded', 'halted', 'aborted'].includes(found.status) ? found : undefined;
      },
      60,
    );
  }

  /** Commits a snapshot, deploys it, and waits until the deployment has ended. */
  async deploy(snapshot: Snapshot): Promise<Deployment> {
    await this.commit(snapshot);
    return this.ended(await this.startDeployment());
  }

  async sync(): Promise<SyncReport> {
    return (await expectStatus(200, this.efms.api('GET', `/proxies/name:${this.proxy}/sync`))).body as SyncReport;
  }

  /** What `GET /proxies/{id}/xds` tells. */
  async xds(): Promise<XdsReport> {
    return (await expectStatus(200, this.efms.api('GET', `/proxies/name:${this.proxy}/xds`))).body as XdsReport;
  }

  /**
   * Waits until the proxy has in full what it is served, and answers the report of that.
   * @param what what it is to be served
   * @param after a stream that is over, whatever is said of it: that of an EFMS that was killed
   */
  async settledOn(what: 'assigned' | 'last good', after?: string): Promise<XdsReport> {
    return eventually(
      `a proxy that has in full what is ${what}`,
      async () => {
        const report = await this.xds();
        const { served, assigned, lastGood, quarantines, streams } = report;
        const wanted = what === 'assigned' ? assigned?.snapshot : lastGood?.snapshot;
        const isHeld = quarantines.some(({ held, snapshot }) => held && snapshot === assigned?.snapshot);
        const [newest] = streams;
        if (!newest || newest.id === after || newest.endedAt !== null) return undefined;
        const isSettled = served === wanted && newest.converged === wanted && isHeld === (what === 'last good');
        return isSettled ? report : undefined;
      },
      90,
    );
  }

  async offerAgain(): Promise<void> {
    await expectStatus(200, this.efms.api('POST', `/proxies/name:${this.proxy}/offer-again`));
  }

  async takeOver(): Promise<void> {
    await expectStatus(200, this.efms.api('POST', `/proxies/name:${this.proxy}/take-over`));
  }

  async status(): Promise<ProxyStatus> {
    const { body } = await expectStatus(200, this.efms.api('GET', `/proxies/name:${this.proxy}`));
    return (body as { status: ProxyStatus }).status;
  }
}

interface Credential {
  readonly token: string;
  readonly startCommand: string;
}

export interface Deployment {
  readonly id: string;
  readonly status: string;
  readonly targets: {
    readonly items: readonly {
      readonly status: string;
      readonly reason: string | null;
      readonly message: string | null;
    }[];
  };
}

export interface SyncReport {
  readonly converged: boolean;
  /** Why the assignment is held back; null where it is not. */
  readonly heldBack: { readonly message: string } | null;
  /** By kind of resource. */
  readonly sync: Readonly<Record<string, { readonly state: string; readonly error?: { readonly message: string } }>>;
}

export interface XdsReport {
  readonly summary: readonly string[];
  readonly assigned: { readonly snapshot: string } | null;
  readonly served: string | null;
  readonly lastGood: { readonly snapshot: string } | null;
  readonly quarantines: readonly {
    readonly snapshot: string;
    readonly reason: string;
    readonly cause: string;
    readonly held: boolean;
    readonly retryAt: string | null;
    readonly suspects: readonly string[];
  }[];
  /** Newest first. */
  readonly streams: readonly {
    readonly id: string;
    readonly endedAt: string | null;
    readonly converged: string | null;
    readonly types: readonly { readonly refusal: object | null }[];
  }[];
}

export interface ProxyStatus {
  readonly connection: string;
  readonly management: string;
}

/** The answer, once its status is what the caller counts on; otherwise an error that shows the problem document. */
export async function expectStatus(status: number, call: Promise<ApiAnswer>): Promise<ApiAnswer> {
  const answer = await call;
  if (answer.status === status) return answer;
  throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
}
