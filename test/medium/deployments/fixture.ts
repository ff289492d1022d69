import { SystemClock } from '../../../src/common/clock/clock.js';
import { newId } from '../../../src/common/context/ids.js';
import type { RequestContext } from '../../../src/common/context/request-context.js';
import type { Database, Transaction } from '../../../src/common/database/database.js';
import { DeploymentEngine, type EngineTiming } from '../../../src/deployments/services/deployment-engine.js';
import { DeploymentReader } from '../../../src/deployments/services/deployment-reader.js';
import type { DeploymentRequest } from '../../../src/deployments/services/deployment-request.js';
import { DeploymentSteps } from '../../../src/deployments/services/deployment-steps.js';
import { DeploymentTargets } from '../../../src/deployments/services/deployment-targets.js';
import { DeploymentsService } from '../../../src/deployments/services/deployments.service.js';
import { GroupMembers, ProxyDirectory } from '../../../src/infrastructure/index.js';
import { Doorbell } from '../../../src/xds/assignments/doorbell.js';
import { Quarantines } from '../../../src/xds/assignments/quarantines.js';
import { Assignments, ProgressSignal, type ProxyProgress, ProxyProgressReader } from '../../../src/xds/index.js';
import {
  commitOf,
  createConfiguration,
  createTenant,
  createVersioningFixture,
  type VersioningFixture,
} from '../versioning/fixture.js';

/** What proxies report, decided by the test. */
export class ScriptedProgress extends ProxyProgressReader {
  readonly proxies = new Map<string, ProxyProgress>();

  override read(_tx: Transaction, _tenantId: string, ids: readonly string[]): Promise<Map<string, ProxyProgress>> {
    return Promise.resolve(
      new Map(
        ids.flatMap((id) => {
          const found = this.proxies.get(id);
          return found ? [[id, found] as const] : [];
        }),
      ),
    );
  }

  report(proxyId: string, progress: Partial<ProxyProgress>): void {
    const before = this.proxies.get(proxyId) ?? CONNECTED;
    this.proxies.set(proxyId, { ...before, ...progress });
  }
}

export const CONNECTED: ProxyProgress = {
  connected: true,
  connectedSince: new Date(0),
  convergedHash: null,
  servingHash: null,
  held: null,
  frozen: false,
};

export interface DeploymentsFixture extends VersioningFixture {
  readonly progress: ScriptedProgress;
  readonly signal: ProgressSignal;
  readonly steps: DeploymentSteps;
  readonly assignments: Assignments;
  readonly deployments: DeploymentsService;
  readonly reader: DeploymentReader;
  /** An engine that does nothing unless the test lets it tick or starts it. */
  newEngine(timing?: Partial<EngineTiming>, steps?: DeploymentSteps): DeploymentEngine;
  /** The same services in another tenant. */
  close(): Promise<void>;
}

export async function createDeploymentsFixture(): Promise<DeploymentsFixture> {
  const fixture = await createVersioningFixture();
  const { database, versions } = fixture;
  const doorbell = new Doorbell(database);
  const assignments = new Assignments(doorbell, new Quarantines(database, doorbell));
  const progress = new ScriptedProgress();
  const signal = new ProgressSignal();
  const steps = new DeploymentSteps(database, assignments, progress);
  const newEngine = (timing: Partial<EngineTiming> = {}, own = steps) =>
    new DeploymentEngine(database, own, signal, new SystemClock(), {
      leaseTtl: 6000,
      renewEvery: 2000,
      tick: 20,
      minTick: 1,
      ...timing,
    });
  const reader = new DeploymentReader(database);
  fixture.uses.register(reader);
  return {
    ...fixture,
    progress,
    signal,
    steps,
    assignments,
    deployments: new DeploymentsService(
      database,
      versions,
      new DeploymentTargets(new ProxyDirectory(), new GroupMembers(database)),
      assignments,
      newEngine(),
    ),
    reader,
    newEngine,
    async close() {
      await doorbell.stop();
      await fixture.test.drop();
    },
  };
}

/** A tenant of its own with a configuration `edge` of two versions and some proxies, so that tests do not meet. */
export interface Fleet {
  readonly ctx: RequestContext;
  readonly proxies: readonly { readonly id: string; readonly name: string }[];
  /** Snapshot hashes by version number. */
  readonly hashes: Readonly<Record<number, string>>;
  request(changes?: Partial<DeploymentRequest>): DeploymentRequest;
}

export async function createFleet(fixture: DeploymentsFixture, size: number): Promise<Fleet> {
  const ctx = await createTenant(fixture.test);
  await createConfiguration({ ...fixture, ctx }, 'edge');
  const hashes: Record<number, string> = {};
  for (const number of [1, 2]) {
    const { version } = await fixture.commits.commit(ctx, { name: 'edge' }, commitOf(number === 1 ? null : 1, number));
    hashes[number] = version.snapshotHash;
  }
  const proxies = Array.from({ length: size }, (_, i) => ({ id: newId(), name: `edge-${i + 1}` }));
  await addProxies(fixture.database, ctx, proxies);
  return {
    ctx,
    proxies,
    hashes,
    request: (changes = {}) => ({
      configuration: 'name:edge',
      version: 1,
      targets: { proxies: proxies.map(({ name }) => `name:${name}`) },
      strategy: { type: 'immediate' },
      ...changes,
    }),
  };
}

async function addProxies(database: Database, ctx: RequestContext, proxies: Fleet['proxies']): Promise<void> {
  await database.tenant(ctx, (tx) =>
    tx.query(
      'insert into envoy_proxies (tenant_id, id, name, node_id) select $1, p.id, p.name, p.name from unnest($2::uuid[], $3::text[]) as p (id, name)',
      [ctx.tenantId, proxies.map(({ id }) => id), proxies.map(({ name }) => name)],
    ),
  );
}

/** Ticks one engine until the deployment has left the engine's hands, or for a number of ticks. */
export async function tickUntil(engine: DeploymentEngine, isDone: () => Promise<boolean>, most = 200): Promise<void> {
  for (let i = 0; i < most; i += 1) {
    await engine.tick();
    if (await isDone()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the deployment did not get there');
}

/** Polls until something holds. */
export async function eventually(isSo: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
