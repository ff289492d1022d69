import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { bytesHeader, stringField, varint } from '../../src/xds/server/wire/protobuf.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { clusterLoad, LoadReporter } from '../kit/report-client.js';
import { Teardown } from '../kit/teardown.js';

describe('load reports', () => {
  const teardown = new Teardown();
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterEach(() => teardown.run());
  afterAll(() => efms.stop());

  const reporter = (token: string | null, nodeId: string, at: Efms = efms): LoadReporter =>
    teardown.add(new LoadReporter(at.xdsPort, token, nodeId));
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${efms.http}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };

  it('are asked for of all clusters, every ten seconds', async () => {
    const { token } = await registerProxy(efms, 'asked');
    expect(await reporter(token, 'asked').asked).toEqual({ loadReportingInterval: '10s', sendAllClusters: true });
  });

  it('are taken of proxies that are known by their credentials only, and refusals are audited', async () => {
    const { token } = await registerProxy(efms, 'known');
    expect(await reporter(null, 'known').ended).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await reporter(`efmsp_${'x'.repeat(43)}`, 'known').ended).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await reporter(token, 'somebody else').ended).toMatchObject({ code: status.PERMISSION_DENIED });
    await eventually('the audit of it', async () => {
      const { body } = await expectStatus(200, efms.api('GET', '/audit-logs?action=xds.connect&outcome=denied'));
      return body.items.length > 0 || undefined;
    });
  });

  it('end with the proxy that sends too many, too large or broken ones, and with no other', async () => {
    const [{ token: good }, { token: bad }] = [await registerProxy(efms, 'good'), await registerProxy(efms, 'bad')];
    const bystander = reporter(good, 'good');
    await bystander.asked;

    const flood = reporter(bad, 'bad');
    await flood.asked;
    for (let i = 0; i < 200; i += 1) flood.report(clusterLoad('blue', 1));
    expect(await flood.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });

    const raw = async (bytes: Buffer): Promise<LoadReporter> => {
      const hostile = reporter(bad, 'bad');
      await hostile.asked;
      hostile.call.write(bytes);
      return hostile;
    };
    const tooLarge = Buffer.alloc(5 * 1024 * 1024);
    expect(await (await raw(tooLarge)).ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await (await raw(Buffer.from([0x12, 0xff]))).ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    const name = stringField(1, 'x'.repeat(100_000));
    const hugeName = Buffer.concat([bytesHeader(2, name.length), name]);
    expect(await (await raw(hugeName)).ended).toMatchObject({ code: status.INVALID_ARGUMENT });

    // A million clusters in reports that are not too large: some are kept, the others counted.
    const one = Buffer.concat([stringField(1, 'c'), varint(3 * 8), varint(1)]);
    const many = Buffer.concat(Array<Buffer>(200_000).fill(Buffer.concat([bytesHeader(2, one.length), one])));
    const shed = await metric('efms_traffic_shed_total{reason="series"}');
    const large = await raw(many);
    for (let i = 0; i < 4; i += 1) large.call.write(many);
    await eventually('what is left out', async () =>
      (await metric('efms_traffic_shed_total{reason="series"}')) >= shed + 5 * 195_000 ? true : undefined,
    );

    const reports = await metric('efms_load_reports_total');
    bystander.report(clusterLoad('blue', 1));
    await eventually('another report', async () =>
      (await metric('efms_load_reports_total')) > reports ? true : undefined,
    );
    expect(bystander.call.destroyed).toBe(false);
  });

  it('are told to whoever may read the proxy, its groups and its versions', async () => {
    const { id } = await registerProxy(efms, 'told');
    await expectStatus(201, efms.api('PUT', '/proxy-groups/name:told', { selector: 'role=edge' }));
    await expectStatus(201, efms.api('POST', '/configurations', { name: 'told' }));
    await commit(efms, 'told', null, edgeSnapshot());
    const [{ tenant_id: tenant } = { tenant_id: '' }] = await efms.database.sql<{ tenant_id: string }>(
      'select tenant_id from envoy_proxies where id = $1',
      [id],
    );
    await efms.database.sql(
      `insert into cluster_metrics (tenant_id, proxy_id, starts_at, id, snapshot_hash, cluster, region, zone, sub_zone, successes, errors, dropped)
       select $1, $2, date_trunc('minute', now()) - interval '2 minutes', gen_random_uuid(), snapshot_hash, 'blue', 'eu', 'a', '', 3, 1, 2
         from configuration_versions`,
      [tenant, id],
    );
    for (const path of ['/proxies/name:told', '/proxy-groups/name:told', '/configurations/name:told/versions/1']) {
      const { body } = await expectStatus(200, efms.api('GET', `${path}/stats?by=cluster&step=1m&cluster=blue`));
      const counts = {
        series: 'blue',
        requests: 4,
        errors: 1,
        errorRate: 0.25,
        rate: 0.067,
        dropped: 2,
        latency: null,
      };
      expect(body).toEqual({ items: [{ at: expect.any(String), ...counts }], nextCursor: null });
      const refused = await expectStatus(422, efms.api('GET', `${path}/stats?step=90s&by=route`));
      expect(refused.body.errors.length).toBeGreaterThan(0);
    }
    await expectStatus(422, efms.api('GET', `/configurations/name:told/versions/1/stats?snapshot=${'0'.repeat(64)}`));
    const { body: key } = await expectStatus(
      201,
      efms.api('POST', '/api-keys', { name: 'few', permissions: ['proxies:read'] }),
    );
    const few = { authorization: `Bearer ${key.key}` };
    await expectStatus(200, efms.api('GET', '/proxies/name:told/stats', undefined, few));
    await expectStatus(403, efms.api('GET', '/proxy-groups/name:told/stats', undefined, few));
    await expectStatus(403, efms.api('GET', '/configurations/name:told/versions/1/stats', undefined, few));
  });

  it('of one proxy come on eight streams at most', async () => {
    const { token } = await registerProxy(efms, 'many');
    const streams = Array.from({ length: 8 }, () => reporter(token, 'many'));
    await Promise.all(streams.map(({ asked }) => asked));
    expect(await reporter(token, 'many').ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });
});

describe('load reports to a replica that ends', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('are written, as of the version that the proxy had', async () => {
    const efms = await startEfms({ database });
    const { token, id } = await registerProxy(efms, 'edge');
    await expectStatus(201, efms.api('POST', '/configurations', { name: 'edge' }));
    await commit(efms, 'edge', null, edgeSnapshot());
    const reporter = new LoadReporter(efms.xdsPort, token, 'edge');
    await reporter.asked;
    reporter.report(clusterLoad('blue', 5));
    const envoy = new HollowEnvoy({ port: efms.xdsPort, token, nodeId: 'edge', variant: 'delta' });
    await deploymentEnd(efms, await startDeployment(efms, 'edge', 1, ['edge']));
    // The first covers the change; it says itself that it covers a second.
    reporter.report(clusterLoad('blue', 7));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    reporter.report(clusterLoad('blue', 100, 4, { zone: 'a', dropped: 2 }), clusterLoad('efms_xds', 1));
    await eventually('all reports', async () => {
      const text = await (await fetch(`${efms.http}/metrics`)).text();
      // The node alone came first.
      return text.includes('\nefms_load_reports_total 4\n') || undefined;
    });
    await efms.stop();
    expect(await reporter.ended).toMatchObject({ code: status.UNAVAILABLE });
    await reporter.stop();
    await envoy.stop();

    const [version] = await database.sql<{ hash: string }>('select snapshot_hash as hash from configuration_versions');
    const rows = await database.sql(
      `select proxy_id, snapshot_hash, cluster, zone, sum(successes) as successes, sum(errors) as errors, sum(dropped) as dropped
         from cluster_metrics group by 1, 2, 3, 4 order by 2 nulls first, 4`,
    );
    const row = { proxy_id: id, cluster: 'blue', zone: '', successes: '0', errors: '0', dropped: '0' };
    expect(rows).toEqual([
      { ...row, snapshot_hash: null, successes: '12' },
      { ...row, snapshot_hash: version?.hash, dropped: '2' },
      { ...row, snapshot_hash: version?.hash, zone: 'a', successes: '100', errors: '4' },
    ]);
  });
});
