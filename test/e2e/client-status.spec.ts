import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CsdsClient } from '../kit/csds-client.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { edsCluster, endpointSet } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { openTenant } from '../kit/tenancy.js';

const PASSWORD = 'planted-Passw0rd-of-an-upstream';

describe('client status discovery', () => {
  const teardown = new Teardown();
  let efms: Efms;
  let csds: CsdsClient;
  let admin: { authorization: string };

  beforeAll(async () => {
    efms = await startEfms();
    csds = new CsdsClient(efms.xdsPort);
    admin = { authorization: `Bearer ${efms.adminToken}` };
  });
  afterEach(() => teardown.run());
  afterAll(async () => {
    await csds.stop();
    await efms.stop();
  });

  const exactly = (nodeId: string) => ({ nodeMatchers: [{ nodeId: { exact: nodeId } }] });
  const configs = async (request: object, headers: Record<string, string> = admin): Promise<any[]> =>
    (await csds.fetch(headers, request)).json.config ?? [];
  const nodeIds = async (request: object, headers?: Record<string, string>): Promise<string[]> =>
    (await configs(request, headers)).map(({ node }) => node.id);
  const resources = async (nodeId: string, more: object = {}): Promise<any[]> =>
    (await configs({ ...exactly(nodeId), ...more }))[0]?.genericXdsConfigs ?? [];
  const states = async (nodeId: string): Promise<string[]> =>
    (await resources(nodeId)).map(({ name, configStatus }) => `${name} ${configStatus}`).sort();

  /** A proxy with a configuration of its name whose version 1 is the snapshot of an edge. */
  async function prepare(name: string, snapshot: object = edgeSnapshot()): Promise<string> {
    const { token } = await registerProxy(efms, name);
    await expectStatus(201, efms.api('POST', '/configurations', { name }));
    await commit(efms, name, null, snapshot);
    return token;
  }
  const connect = (name: string, token: string): HollowEnvoy =>
    teardown.add(new HollowEnvoy({ port: efms.xdsPort, token, nodeId: name, variant: 'delta' }));
  const key = async (permissions: readonly string[]): Promise<{ authorization: string }> => {
    const made = await expectStatus(201, efms.api('POST', '/api-keys', { name: permissions.join(), permissions }));
    return { authorization: `Bearer ${made.body.key}` };
  };

  it('tells of what was not sent yet, and then of what is in sync', async () => {
    const token = await prepare('goes');
    const deployment = await startDeployment(efms, 'goes', 1, ['goes']);
    await eventually('the assignment', async () => {
      const found = await states('goes');
      return found.length === 6 && found.every((state) => state.endsWith(' NOT_SENT')) ? true : undefined;
    });
    connect('goes', token);
    await deploymentEnd(efms, deployment);
    const [config] = await configs(exactly('goes'));
    expect(config).toMatchObject({ node: { id: 'goes' }, clientScope: 'goes' });
    expect(config.genericXdsConfigs).toHaveLength(6);
    for (const resource of config.genericXdsConfigs) {
      expect(resource).toMatchObject({
        typeUrl: resource.xdsConfig['@type'],
        versionInfo: expect.stringMatching(/^[0-9a-f]{64}$/),
        lastUpdated: expect.any(String),
        configStatus: 'SYNCED',
        clientStatus: 'ACKED',
      });
    }
    for (const resource of await resources('goes', { excludeResourceContents: true })) {
      expect(resource).not.toHaveProperty('xdsConfig');
      expect(resource).toHaveProperty('versionInfo');
    }
  });

  it('tells what was refused, and of what is served in its place', async () => {
    const token = await prepare('refuses');
    const envoy = connect('refuses', token);
    envoy.refuse('cluster', 'Error adding/updating cluster(s) blue: no');
    await deploymentEnd(efms, await startDeployment(efms, 'refuses', 1, ['refuses']));
    const refused = await eventually('a refusal', async () =>
      (await resources('refuses')).find(({ name, configStatus }) => name === 'blue' && configStatus === 'ERROR'),
    );
    expect(refused).toMatchObject({
      clientStatus: 'NACKED',
      errorState: { details: expect.stringContaining('blue'), lastUpdateAttempt: expect.any(String) },
    });

    envoy.accept('cluster');
    await expectStatus(200, efms.api('POST', '/proxies/name:refuses/offer-again'));
    await eventually('what was refused before', async () =>
      (await states('refuses')).every((state) => state.endsWith(' SYNCED')) ? true : undefined,
    );
    const edge = edgeSnapshot();
    await commit(efms, 'refuses', 1, {
      ...edge,
      clusters: [...edge.clusters, edsCluster('red')],
      endpoints: [...edge.endpoints, endpointSet('red', 9)],
    });
    envoy.refuse('cluster', 'Error adding/updating cluster(s) red: no', 'red');
    await deploymentEnd(efms, await startDeployment(efms, 'refuses', 2, ['refuses']));
    await eventually('the last good version', async () => {
      const found = await states('refuses');
      return found.filter((state) => state.endsWith(' SYNCED')).length === 6 ? true : undefined;
    });
    const red = (await resources('refuses')).filter(({ configStatus }) => configStatus !== 'SYNCED');
    expect(red).toMatchObject([
      {
        name: 'red',
        configStatus: 'ERROR',
        errorState: { details: expect.stringContaining('red'), versionInfo: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });

  it('never tells what secrets hold', async () => {
    await expectStatus(201, efms.api('PUT', '/secrets/name:password', { genericSecret: { value: PASSWORD } }));
    const token = await prepare('keeps', { ...edgeSnapshot(), secrets: [{ name: 'password' }] });
    connect('keeps', token);
    await startDeployment(efms, 'keeps', 1, ['keeps']);
    await eventually('the assignment', async () => ((await resources('keeps')).length === 7 ? true : undefined));
    const { json, bytes } = await csds.fetch(admin, exactly('keeps'));
    expect(bytes.includes(PASSWORD)).toBe(false);
    const secret = json.config[0].genericXdsConfigs.find(({ name }: any) => name === 'password');
    expect(secret).toMatchObject({ typeUrl: expect.stringMatching(/Secret$/), versionInfo: expect.any(String) });
    expect(secret).not.toHaveProperty('xdsConfig');
  });

  it('finds proxies by their node ids', async () => {
    for (const name of ['web-eu-1', 'web-eu-2', 'web-us-1']) await registerProxy(efms, name);
    const by = (...nodeMatchers: object[]) => nodeIds({ nodeMatchers: nodeMatchers.map((nodeId) => ({ nodeId })) });
    expect(await by({ prefix: 'web-eu' })).toEqual(['web-eu-1', 'web-eu-2']);
    expect(await by({ suffix: '-1' })).toEqual(['web-eu-1', 'web-us-1']);
    expect(await by({ contains: 'B-U' })).toEqual([]);
    expect(await by({ contains: 'B-U', ignoreCase: true })).toEqual(['web-us-1']);
    expect(await by({ exact: 'web-us-1' }, { exact: 'web-eu-2' })).toEqual(['web-eu-2', 'web-us-1']);
    expect(await nodeIds({})).toEqual(expect.arrayContaining(['web-eu-1', 'web-us-1']));
    expect(await nodeIds(exactly('nobody'))).toEqual([]);
  });

  it.each([
    [
      'a regular expression',
      { nodeId: { safeRegex: { regex: '.*' } } },
      /safe_regex.*exact, prefix, suffix or contains/,
    ],
    ['metadata', { nodeMetadatas: [{ path: [{ key: 'a' }] }] }, /node_metadatas are not understood/],
    ['nothing', { nodeId: {} }, /needs a text/],
    ['an empty prefix', { nodeId: { prefix: '' } }, /needs a text/],
  ])('refuses to match by %s', async (_what, matcher, details) => {
    await expect(csds.fetch(admin, { nodeMatchers: [matcher] })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(details),
    });
  });

  it('refuses what is no request, and goes on', async () => {
    const code = status.INVALID_ARGUMENT;
    await expect(csds.fetchRaw(admin, Buffer.from('0aff', 'hex'))).rejects.toMatchObject({ code });
    expect(await nodeIds(exactly('nobody'))).toEqual([]);
  });

  it('is for people who may read proxies, and not for proxies', async () => {
    const { token } = await registerProxy(efms, 'asks');
    for (const headers of [{}, { authorization: `Bearer ${token}` }, { authorization: 'Basic x' }] as object[]) {
      const refused = { code: status.UNAUTHENTICATED };
      await expect(csds.fetch(headers as Record<string, string>)).rejects.toMatchObject(refused);
      await expect(csds.stream(headers as Record<string, string>, [{}])).rejects.toMatchObject(refused);
    }
    const denied = (needed: string) => ({ code: status.PERMISSION_DENIED, details: expect.stringContaining(needed) });
    await expect(csds.fetch(await key(['configurations:read']))).rejects.toMatchObject(denied('proxies:read'));
    const narrow = await key(['proxies:read']);
    await expect(csds.fetch(narrow)).rejects.toMatchObject(denied('exclude_resource_contents'));
    expect(await nodeIds({ ...exactly('asks'), excludeResourceContents: true }, narrow)).toEqual(['asks']);
  });

  it('tells a tenant of its own proxies only, and a platform admin of those of the tenant that is named', async () => {
    await registerProxy(efms, 'mine');
    const other = await openTenant(efms, 'other');
    const stranger = { authorization: other.admin.authorization };
    expect(await nodeIds({}, stranger)).toEqual([]);
    await expectStatus(201, other.admin('PUT', '/proxies/name:theirs', { nodeId: 'theirs' }));
    expect(await nodeIds({}, stranger)).toEqual(['theirs']);
    expect(await nodeIds({}, { ...admin, 'x-efms-tenant': 'other' })).toEqual(['theirs']);
    expect(await nodeIds({ nodeMatchers: [{}] })).not.toContain('theirs');
    const visit = { ...stranger, 'x-efms-tenant': 'default' };
    await expect(csds.fetch(visit)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  it('answers the requests of a stream one after the other', async () => {
    for (const name of ['first', 'second']) await registerProxy(efms, name);
    const answers = await csds.stream(admin, [exactly('first'), exactly('second'), exactly('nobody')]);
    expect(answers.map(({ json }) => (json.config ?? []).map(({ node }: any) => node.id))).toEqual([
      ['first'],
      ['second'],
      [],
    ]);
    await expect(csds.stream(admin, [exactly('first'), { nodeMatchers: [{ nodeId: {} }] }])).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  it('answers at most a thousand proxies', async () => {
    const { id } = await openTenant(efms, 'crowded');
    await efms.database.sql(
      `insert into envoy_proxies (tenant_id, id, name, node_id)
       select $1, gen_random_uuid(), 'crowd-' || i, 'crowd-' || i from generate_series(1, 1001) i`,
      [id],
    );
    const visit = { ...admin, 'x-efms-tenant': 'crowded' };
    await expect(csds.fetch(visit)).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('node_matchers'),
    });
    expect(await nodeIds({ nodeMatchers: [{ nodeId: { prefix: 'crowd-100' } }] }, visit)).toHaveLength(3);
  });
});
