import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiAnswer, type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { readExposition } from '../kit/exposition.js';
import {
  commit,
  deploymentEnd,
  edgeSnapshot,
  type RegisteredProxy,
  registerProxy,
  startDeployment,
} from '../kit/fleet.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { OwnPostgres } from '../kit/own-postgres.js';

const NAMES = ['delta-1', 'delta-2', 'sotw-1', 'sotw-2'];

interface Observed {
  readonly name: string;
  readonly answer: ApiAnswer;
}

/** Reads and writes without a pause until it is stopped; every answer is kept. */
class RestLoad {
  readonly observed: Observed[] = [];
  readonly broken: unknown[] = [];
  private isStopped = false;
  private readonly workers: Promise<void>[];

  constructor(
    private readonly efms: SpawnedEfms,
    workers: number,
  ) {
    this.workers = Array.from({ length: workers }, (_, worker) => this.work(worker));
  }

  /** Waits until so many further requests were answered. */
  async answers(count: number): Promise<Observed[]> {
    const from = this.observed.length;
    await eventually(`${count} answers`, () => this.observed.length >= from + count || undefined, 60);
    return this.observed.slice(from);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.workers);
  }

  private async work(worker: number): Promise<void> {
    for (let i = 0; !this.isStopped; i++) {
      const name = `load-${worker}-${i}`;
      const calls = [
        () => this.efms.api('PUT', `/proxies/name:${name}`, { nodeId: name, labels: { role: 'load', worker: 'a' } }),
        () => this.efms.api('GET', '/proxies'),
        () => this.efms.api('GET', '/configurations/name:fleet/versions/1'),
      ];
      for (const [step, call] of calls.entries()) {
        try {
          this.observed.push({ name: step === 0 ? name : '', answer: await call() });
        } catch (error) {
          this.broken.push(error);
        }
      }
    }
  }
}

describe('PostgreSQL stopped under load', () => {
  let postgres: OwnPostgres;
  let efms: SpawnedEfms;
  let proxies: RegisteredProxy[];
  let envoys: HollowEnvoy[];
  let load: RestLoad;

  beforeAll(async () => {
    postgres = await OwnPostgres.start();
    efms = await spawnEfms({ database: postgres.database });
    proxies = [];
    for (const name of NAMES) proxies.push(await registerProxy(efms, name));
    await efms.api('POST', '/configurations', { name: 'fleet' });
    await commit(efms, 'fleet', null, edgeSnapshot());
    envoys = proxies.map(
      ({ name, token }) =>
        new HollowEnvoy({
          port: efms.xdsPort,
          token,
          nodeId: name,
          variant: name.startsWith('sotw') ? 'sotw' : 'delta',
        }),
    );
    await deploymentEnd(efms, await startDeployment(efms, 'fleet', 1, NAMES));
    load = new RestLoad(efms, 4);
    await load.answers(20);
  }, 120_000);
  afterAll(async () => {
    await load.stop();
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await efms.stop();
    await postgres.stop();
  }, 60_000);

  const metric = async (name: string): Promise<number> => {
    const families = readExposition(await (await fetch(`${efms.http}/metrics`)).text());
    const samples = families.find((family) => family.name === name)?.samples ?? [];
    return samples.reduce((sum, { value }) => sum + value, 0);
  };
  const openStreams = (): Promise<number> => metric('efms_xds_streams');
  const probe = async (which: string): Promise<number> => (await fetch(`${efms.http}/health/${which}`)).status;
  const reads = (): number[] => envoys.map((envoy) => envoy.received.length);

  it('REST answers 503 with Retry-After, and streams stay up with what they have', async () => {
    const before = reads();
    await postgres.down();
    const during = await load.answers(40);

    // The first of these may have been asked before the end.
    for (const { answer } of during.slice(10)) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.body).toMatchObject({ type: '/problems/unavailable', status: 503, detail: expect.any(String) });
    }
    expect(await probe('live')).toBe(200);
    expect(await probe('ready')).toBe(503);
    expect(envoys.map((envoy) => envoy.isConnected)).toEqual(NAMES.map(() => true));
    expect(reads()).toEqual(before);
    expect(await openStreams()).toBe(NAMES.length);
  }, 90_000);

  it('Prometheus is told of it, by scrapes that need no database', async () => {
    expect(await metric('efms_database_up')).toBe(0);
    expect(await metric('efms_database_refused_total')).toBeGreaterThan(0);
    await eventually('changes that wait', async () =>
      (await metric('efms_reconcile_lag_seconds')) > 2 ? true : undefined,
    );
    expect(await metric('efms_reconcile_failures_total')).toBeGreaterThan(0);
  });

  it('a proxy that is known may come back, a stranger is told to try again', async () => {
    const [first] = envoys;
    envoys[0] = await first!.reconnect();
    await eventually('the stream that came back', async () =>
      (await openStreams()) === NAMES.length ? true : undefined,
    );
    const options = { port: efms.xdsPort, token: `${proxies[1]!.token.slice(0, -2)}xx`, nodeId: 'delta-2' };
    const stranger = new HollowEnvoy({ ...options, variant: 'delta' });
    expect(await stranger.ended).toMatchObject({ code: status.UNAVAILABLE });
    await stranger.stop();
    expect(envoys[0].isConnected).toBe(true);
  }, 60_000);

  it('all is well by itself once it is back', async () => {
    await postgres.up();
    await eventually(
      'an answer 200',
      async () => ((await efms.api('GET', '/me')).status === 200 ? true : undefined),
      60,
    );
    await eventually('the news of it', async () => ((await metric('efms_database_up')) === 1 ? true : undefined));
    await commit(efms, 'fleet', 1, edgeSnapshot({ '/': 'green' }));
    const deployment = await deploymentEnd(efms, await startDeployment(efms, 'fleet', 2, NAMES), 60);

    expect(deployment).toMatchObject({ status: 'succeeded', progress: { total: 4, successful: 4, failed: 0 } });
    for (const envoy of envoys) await envoy.sees('route', 'routes', 'green');
    // Streams of before were sent the one changed resource; the one that came back claimed all others.
    for (const envoy of envoys) expect(envoy.received.at(-1)?.kind).toBe('route');
    await eventually('readiness', async () => ((await probe('ready')) === 200 ? true : undefined));
    expect((await load.answers(10)).at(-1)?.answer.status).toBeLessThan(300);
  }, 150_000);

  it('nothing was half applied, and nothing but 503 was refused', async () => {
    await load.stop();
    expect(load.broken).toEqual([]);
    const statuses = new Set(load.observed.map(({ answer }) => answer.status));
    expect([...statuses].sort()).toEqual([200, 201, 503]);
    const counts = await postgres.database.sql<{ name: string; heads: number; labels: number; audits: number }>(
      `select name, (select count(*)::integer from proxy_heads h where h.proxy_id = p.id) as heads,
              (select count(*)::integer from proxy_labels l where l.proxy_id = p.id) as labels,
              (select count(*)::integer from audit_logs a where a.resource_id = p.id::text and a.action = 'create') as audits
         from envoy_proxies p where name like 'load-%'`,
    );
    for (const { name: _, ...whole } of counts) expect(whole).toEqual({ heads: 1, labels: 2, audits: 1 });
    const stored = new Set(counts.map(({ name }) => name));
    const confirmed = load.observed.filter(({ answer }) => answer.status === 201).map(({ name }) => name);
    expect(confirmed.filter((name) => !stored.has(name))).toEqual([]);
    // What was refused once PostgreSQL was gone is not there; of a request under way at its end only the database knows.
    const refused = load.observed.filter(({ name, answer }) => answer.status === 503 && stored.has(name));
    expect(refused.length).toBeLessThanOrEqual(4);
  });

  it('the process neither crashed nor lost a rejection', async () => {
    expect(efms.output()).not.toMatch(/unhandled|uncaught/i);
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    expect(await efms.terminate()).toBe(0);
  }, 60_000);
});
