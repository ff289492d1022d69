import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { type ApiAnswer, type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { joinTenant, openTenant } from '../kit/tenancy.js';
import { wholeDatabase } from '../kit/whole-database.js';

const PLANTED = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCplantedKey';
const PEM = `-----BEGIN PRIVATE KEY-----\n${PLANTED}\n-----END PRIVATE KEY-----\n`;
const PATH = '/proxies/name:edge/bootstrap?mode=overlay';

const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
const listener = (name: string, address: object) => ({ name, address, filter_chains: [{}] });
const cluster = (name: string) => ({ name, type: 'STATIC', connect_timeout: '1s' });

/** As somebody has it: an admin interface, a listener with a key of its own, counters sent away. */
const given = (statics: object = {}) => ({
  admin: { address: socket('127.0.0.1', 15_000) },
  stats_flush_interval: '10s',
  static_resources: {
    listeners: [listener('own', socket('0.0.0.0', 8080))],
    clusters: [cluster('own')],
    secrets: [{ name: 'own', tls_certificate: { private_key: { inline_string: PEM } } }],
    ...statics,
  },
});

describe('a bootstrap that EFMS is laid over', () => {
  let efms: SpawnedEfms;

  beforeAll(async () => {
    efms = await spawnEfms({ env: { EFMS_LOG_LEVEL: 'trace' } });
    const { token } = await registerProxy(efms, 'edge');
    await efms.api('POST', '/configurations', { name: 'edge' });
    await commit(efms, 'edge', null, edgeSnapshot());
    const envoy = new HollowEnvoy({ port: efms.xdsPort, token, nodeId: 'edge', variant: 'delta' });
    const { status } = await deploymentEnd(efms, await startDeployment(efms, 'edge', 1, ['edge']));
    expect(status).toBe('succeeded');
    await envoy.stop();
  }, 60_000);
  afterAll(() => efms.stop());

  const overlay = (body: unknown, query = ''): Promise<ApiAnswer> => efms.api('POST', PATH + query, body);
  const refusals = async (body: unknown): Promise<string[]> => {
    const { errors } = (await expectStatus(422, overlay(body))).body;
    return errors.map(({ rule, pointer }: { rule: string; pointer: string }) => `${rule} ${pointer}`);
  };

  it.each(['', '&format=yaml', '&protocol=sotw'])('keeps what it had and gets ADS from EFMS (%s)', async (query) => {
    const { body, headers } = await expectStatus(200, overlay(stringify(given()), query));
    const full = (await expectStatus(200, efms.api('GET', PATH.replace('overlay', 'full') + query))).body;

    expect(headers.get('content-type')).toMatch(/^application\/yaml/);
    expect(headers.get('cache-control')).toBe('no-store');
    const { node, dynamic_resources, static_resources, cluster_manager } = parse(full);
    expect(parse(body)).toEqual({
      ...given({ clusters: [cluster('own'), ...static_resources.clusters] }),
      node,
      dynamic_resources,
      cluster_manager,
    });
    expect(body).toContain('Bearer EFMS_TOKEN');
  });

  it('comes as JSON too, from JSON', async () => {
    const { body } = await expectStatus(200, overlay(given(), '&format=json&adminPort=1'));
    expect(body).toMatchObject({ node: { id: 'edge' }, admin: given().admin });
    const bare = await expectStatus(200, overlay({}, '&format=json&adminPort=1234'));
    expect(bare.body).toMatchObject({ admin: { address: socket('127.0.0.1', 1234) } });
  });

  it('is refused where it clashes with what the proxy is assigned', async () => {
    expect(await refusals(given({ clusters: [cluster('blue')] }))).toEqual([
      'duplicate.name /static_resources/clusters/0/name',
    ]);
    expect(await refusals(given({ listeners: [listener('ingress', socket('0.0.0.0', 10_000))] }))).toEqual([
      'duplicate.name /static_resources/listeners/0/name',
      'overlapping.address /static_resources/listeners/0/address',
    ]);
    await registerProxy(efms, 'bare');
    const path = PATH.replace('edge', 'bare');
    await expectStatus(200, efms.api('POST', path, given({ clusters: [cluster('blue')] })));
  });

  it('is refused where it is none, or its resources come from elsewhere', async () => {
    expect(await refusals(given({ listeners: [{ nome: 'x' }] }))).toContain(
      'schema.unknown-field /static_resources/listeners/0/nome',
    );
    const lds = { path_config_source: { path: '/etc/envoy/lds.yaml' } };
    expect(await refusals({ ...given(), dynamic_resources: { lds_config: lds } })).toEqual([
      'bootstrap.dynamic-resources /dynamic_resources/lds_config',
    ]);
    expect(await refusals(undefined)).toEqual(['schema.type ']);
    expect(await refusals([])).toEqual(['schema.type ']);
  });

  it('has its warnings as comments, or alone', async () => {
    const listeners = [listener('a', socket('0.0.0.0', 81)), listener('b', socket('10.0.0.1', 81))];
    const { body } = await expectStatus(200, overlay(given({ listeners })));
    expect(body).toMatch(/^# \/static_resources\/listeners\/1\/address overlapping\.address: /);
    const report = await expectStatus(200, overlay(given({ listeners }), '&dryRun=true'));
    expect(report.body).toEqual({
      findings: [
        {
          pointer: '/static_resources/listeners/1/address',
          rule: 'overlapping.address',
          detail: expect.any(String),
          severity: 'warning',
        },
      ],
    });
  });

  it('is not asked for by GET, nor is full by POST', async () => {
    const got = await expectStatus(422, efms.api('GET', PATH));
    expect(got.body.errors).toMatchObject([{ detail: expect.stringContaining('POST the bootstrap') }]);
    const posted = await expectStatus(422, efms.api('POST', PATH.replace('overlay', 'full'), {}));
    expect(posted.body.errors).toMatchObject([{ detail: expect.stringContaining('GET the bootstrap') }]);
    await expectStatus(200, efms.api('POST', PATH.split('?')[0]!, {}));
  });

  it('can be hostile', async () => {
    const laughs = [
      'a0: &a0 [x, x]',
      ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`),
    ];
    await expectStatus(400, overlay(laughs.join('\n')));
    await expectStatus(400, overlay(`node: ${'['.repeat(5000)}${']'.repeat(5000)}`));
    await expectStatus(400, overlay('node: {__proto__: {id: x}}'));
    const clusters = Array.from({ length: 10_001 }, (_, i) => cluster(`c${i}`));
    expect(await refusals(given({ clusters }))).toEqual(['snapshot.too-many-resources ']);
  });

  it('is laid over for those who may change the proxy, and no proxy of another tenant', async () => {
    const other = await openTenant(efms, 'elsewhere');
    const answer = await other.admin('POST', PATH, given());
    expect(answer.status).toBe(404);
    const viewer = (await joinTenant(efms, other.admin, { email: 'viewer@elsewhere.example', role: 'viewer' })).call;
    await other.admin('PUT', '/proxies/name:edge', { nodeId: 'edge' });
    expect((await viewer('POST', PATH, given())).status).toBe(403);
    expect((await other.admin('POST', PATH, given())).status).toBe(200);
  });

  it('leaves nothing of itself behind, whatever came of it', async () => {
    const key = { 'idempotency-key': 'overlay-1' };
    await expectStatus(200, efms.api('POST', PATH, given(), key));
    expect((await efms.api('POST', PATH, given(), key)).status).toBe(409);
    await expectStatus(422, overlay({ ...given(), stats_flush_interval: PEM }));
    await expectStatus(400, overlay(`a: "${PLANTED}`));

    const places = await wholeDatabase(efms.database);
    expect(places.map(({ text }) => text).join('\n')).toContain('overlay-1');
    await efms.terminate();
    places.push({ name: 'log', text: efms.output() });
    expect(efms.output()).toContain('EFMS is ready');
    expect(places.filter(({ text }) => text.includes(PLANTED)).map(({ name }) => name)).toEqual([]);
  });
});
