import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Api } from '../api.ts';
import { nameOf } from '../client/names.ts';
import { type Group, SECRETS, type SimTenant } from '../population.ts';
import type { Random } from '../random.ts';

const HEALTHS = { UNHEALTHY: 2, DRAINING: 3, DEGRADED: 5 } as const;
/** How long a deployment is waited for before it is aborted; the first, which all the rest needs, for longer. */
const DEPLOYMENT_MS = { first: 180_000, further: 20_000 };
const BATCHES = 3;
const POISONED = 0.06;
const OVERRIDES = 6;

/** Changes what proxies are to have, over the API, without caring what comes of it: EFMS may be away just then. */
export class Changes {
  readonly counts = new Map<string, number>();
  private readonly api: Api;
  private readonly random: Random;
  private signal = AbortSignal.any([]);
  private values = 1000;

  constructor(api: Api, random: Random) {
    this.api = api;
    this.random = random;
  }

  /** Commits and deploys to all proxies of a group for the first time; throws where that is refused. */
  async begin(group: Group): Promise<void> {
    const version = await this.commit(group);
    const targets = { groups: [`name:${group.name}`] };
    if (version === undefined || !(await this.deploy(group, version, targets, DEPLOYMENT_MS.first))) {
      throw new Error(`${group.tenant.name} ${group.name} could not be deployed: ${this.api.faults.join('; ')}`);
    }
  }

  /** Goes on with one group until it is told to end. */
  async goOn(group: Group, pauseMs: number, signal: AbortSignal): Promise<void> {
    this.signal = signal;
    while (!this.signal.aborted) {
      await this.changeOne(group);
      await this.pause(this.random.between(0.2, 1.8) * pauseMs);
    }
  }

  /** Gives every secret of a tenant a content that is known to be the newest, and reads which overrides there are. */
  async settle(tenant: SimTenant): Promise<boolean> {
    for (let i = 0; i < SECRETS; i += 1) if (!(await this.rotate(tenant, i))) return false;
    const { status, body } = await this.api.call(tenant.credential, 'GET', '/endpoint-overrides?limit=500');
    if (status !== 200) return false;
    const items = body['items'] as {
      clusterName: string;
      port: number;
      healthStatus: keyof typeof HEALTHS;
      weight: number;
    }[];
    tenant.overlay.settle(
      items.map((each) => ({ ...each, place: `127.0.0.1:${each.port}`, said: saidBy(each.healthStatus, each.weight) })),
    );
    return true;
  }

  private async changeOne(group: Group): Promise<void> {
    const dice = this.random.next();
    if (dice < 0.12) await this.override(group);
    else if (dice < 0.22) await this.rotate(group.tenant, this.random.below(SECRETS));
    else if (dice < 0.3) await this.rollBack(group);
    else await this.rollOut(group);
  }

  private async rollOut(group: Group): Promise<void> {
    const isPoisoned = this.random.isLucky(POISONED);
    group.line.change();
    if (isPoisoned) group.line.poison();
    const version = await this.commit(group);
    if (version === undefined) return;
    this.count(isPoisoned ? 'poisoned version' : 'version');
    if (this.random.isLucky(0.6)) {
      await this.deploy(group, version, { groups: [`name:${group.name}`] });
      return;
    }
    // A few at a time, and no further where they do not take it.
    const size = Math.ceil(group.proxies.length / BATCHES);
    for (let from = 0; from < group.proxies.length; from += size) {
      if (!(await this.deploy(group, version, { proxies: group.proxies.slice(from, from + size) }))) return;
    }
  }

  private async rollBack(group: Group): Promise<void> {
    const head = await this.head(group);
    if (head === undefined || head === null || head < 2) return;
    this.count('rollback');
    await this.deploy(group, Math.max(1, head - 1 - this.random.below(3)), { groups: [`name:${group.name}`] });
  }

  /** @returns the number of the version */
  private async commit(group: Group): Promise<number | undefined> {
    const expectedHead = await this.head(group);
    if (expectedHead === undefined) return undefined;
    const body = { branch: 'main', expectedHead, message: '', snapshot: group.line.document };
    const target = `/configurations/name:${group.name}/versions`;
    const answer = await this.api.call(group.tenant.credential, 'POST', target, body);
    return isGood(answer) ? (answer.body['number'] as number) : undefined;
  }

  private async head({ tenant, name }: Group): Promise<number | null | undefined> {
    const answer = await this.api.call(tenant.credential, 'GET', `/configurations/name:${name}`);
    if (!isGood(answer)) return undefined;
    const branches = answer.body['branches'] as { name: string; head: number | null }[];
    return branches.find((branch) => branch.name === 'main')?.head ?? null;
  }

  /** @returns whether it ended well */
  private async deploy(
    { tenant, name }: Group,
    version: number,
    targets: object,
    patienceMs = DEPLOYMENT_MS.further,
  ): Promise<boolean> {
    const body = {
      configuration: `name:${name}`,
      version,
      targets,
      strategy: { type: 'immediate' },
      disconnected: this.random.isLucky(0.5) ? 'skip' : 'wait',
    };
    const started = await this.api.call(tenant.credential, 'POST', '/deployments', body);
    if (!isGood(started)) {
      await this.abortRunning(tenant);
      return false;
    }
    this.count('deployment');
    const id = String(started.body['id']);
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline && !this.signal.aborted) {
      const { body: now } = await this.api.call(tenant.credential, 'GET', `/deployments/${id}?limit=1`);
      if (now['status'] === 'succeeded') return true;
      if (now['status'] === 'halted' || now['status'] === 'aborted') return false;
      await this.pause(250);
    }
    await this.api.call(tenant.credential, 'POST', `/deployments/${id}/abort`, {});
    return false;
  }

  /** What an answer was lost of may be running, and stands in the way. */
  private async abortRunning({ credential }: SimTenant): Promise<void> {
    const { status, body } = await this.api.call(credential, 'GET', '/deployments?limit=20');
    if (status !== 200) return;
    for (const { id, status: state } of body['items'] as { id: string; status: string }[]) {
      if (state === 'running' || state === 'pending') {
        await this.api.call(credential, 'POST', `/deployments/${id}/abort`, {});
      }
    }
  }

  private async override({ tenant, line }: Group): Promise<void> {
    const target = `/endpoint-overrides/name:override-${this.random.below(OVERRIDES)}`;
    this.count('endpoint override');
    if (this.random.isLucky(0.4)) {
      await this.api.call(tenant.credential, 'DELETE', target);
      return;
    }
    const { clusterName, port } = line.someEndpoint();
    const healthStatus = this.random.one(Object.keys(HEALTHS)) as keyof typeof HEALTHS;
    const weight = 1 + this.random.below(100);
    tenant.overlay.override(clusterName, `127.0.0.1:${port}`, saidBy(healthStatus, weight));
    const body = { clusterName, address: '127.0.0.1', port, healthStatus, weight, reason: 'simulation' };
    await this.api.call(tenant.credential, 'PUT', target, body);
  }

  private async rotate({ credential, overlay }: SimTenant, secret: number): Promise<boolean> {
    this.values += 1;
    const value = `value-${this.values}`;
    this.count('secret');
    overlay.secret(nameOf.secret(secret), value);
    const target = `/secrets/name:${nameOf.secret(secret)}/versions`;
    return isGood(await this.api.call(credential, 'POST', target, { genericSecret: { value } }));
  }

  private count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => undefined);
  }
}

const isGood = ({ status }: Answer): boolean => status >= 200 && status < 300;

const saidBy = (health: keyof typeof HEALTHS, weight: number): string => `/${HEALTHS[health]}*${weight}`;
