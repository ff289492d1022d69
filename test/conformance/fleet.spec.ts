import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { edgeSnapshot } from '../kit/fleet.js';
import { FleetOfOne } from '../kit/fleet-of-one.js';
import { HollowEnvoy, type Received } from '../kit/hollow-envoy.js';
import { edsCluster } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { XdsClient } from '../kit/xds-client.js';
import type { Variant } from '../kit/xds-stream.js';

/** Cases that take more than a stream: the ledger, assignments and the API, in a whole EFMS. */
const teardown = new Teardown();
let efms: Efms;
let count = 0;

beforeAll(async () => {
  efms = await startEfms();
});
afterEach(() => teardown.run());
afterAll(() => efms.stop());

const register = (): Promise<FleetOfOne> => FleetOfOne.register(efms, `edge-${++count}`);
const connect = (fleet: FleetOfOne, variant: Variant): HollowEnvoy =>
  teardown.add(new HollowEnvoy({ port: efms.xdsPort, token: fleet.token, nodeId: fleet.proxy, variant }));

type Body = (variant: Variant) => Promise<unknown>;

function both(title: string, body: Body): void {
  it.each<Variant>(['sotw', 'delta'])(`${title} (%s)`, body);
}

const GOOD = edgeSnapshot();
/** What every proxy here refuses. */
const BAD = {
  ...edgeSnapshot({ '/': 'bad' }, ['blue', 'bad']),
  clusters: [edsCluster('bad'), edsCluster('blue', { connect_timeout: '9s' })],
};

/** A proxy that has GOOD and was sent BAD, which it refused. */
async function refusing(variant: Variant): Promise<{ fleet: FleetOfOne; envoy: HollowEnvoy }> {
  const fleet = await register();
  const envoy = connect(fleet, variant);
  envoy.refuse('cluster', 'no such filter', 'bad');
  expect(await fleet.deploy(GOOD)).toMatchObject({ status: 'succeeded' });
  expect(await fleet.deploy(BAD)).toMatchObject({
    status: 'halted',
    targets: { items: [{ reason: 'nack', message: expect.stringContaining('no such filter') }] },
  });
  return { fleet, envoy };
}

const seesManagement = (fleet: FleetOfOne, management: string): Promise<unknown> =>
  eventually(
    `${fleet.proxy} being ${management}`,
    async () => (await fleet.status()).management === management || undefined,
  );

both('E-13 a NACK is told with its type and its words', async (variant) => {
  const { envoy } = await refusing(variant);
  expect(envoy.received.filter(({ kind, resources }) => kind === 'cluster' && resources.has('bad'))).toHaveLength(1);
});

both('E-14 what is deployed after a NACK ends the error', async (variant) => {
  const { fleet } = await refusing(variant);
  expect(await fleet.deploy(edgeSnapshot({ '/': 'green' }))).toMatchObject({ status: 'succeeded' });
  const { cluster } = (await fleet.sync()).sync;
  expect(cluster).toMatchObject({ state: 'SYNCED' });
  expect(cluster).not.toHaveProperty('error');
});

both('E-28 what is invalid is refused as a whole, and proxies keep what they have', async (variant) => {
  const fleet = await register();
  const envoy = connect(fleet, variant);
  await fleet.deploy(GOOD);
  const before = envoy.received.length;
  const snapshot = { ...GOOD, clusters: [...GOOD.clusters, { name: 'broken', connect_timeout: '-1s' }] };
  const body = { branch: 'main', expectedHead: 1, snapshot };
  const answer = await efms.api('POST', `/configurations/name:${fleet.proxy}/versions`, body);
  expect(answer.status).toBe(422);
  expect(envoy.received).toHaveLength(before);
  expect(await fleet.sync()).toMatchObject({ converged: true });
});

both('E-29 a proxy with two streams is connected until the last of them ends', async (variant) => {
  const fleet = await register();
  const [older, newer] = [connect(fleet, variant), connect(fleet, variant)];
  const isSeen = (connection: string) =>
    eventually(connection, async () => (await fleet.status()).connection === connection || undefined);
  await fleet.deploy(GOOD);
  await newer.sees('cluster', 'blue', 'blue');
  await older.stop();
  await fleet.deploy(edgeSnapshot({ '/': 'green' }));
  expect(await fleet.status()).toMatchObject({ connection: 'connected' });
  await newer.stop();
  await isSeen('disconnected');
});

both(
  'E-29 of two streams of a proxy the newest counts: what the older refuses stays where the newer has it',
  async (variant) => {
    const fleet = await register();
    const older = connect(fleet, variant);
    expect(await fleet.deploy(edgeSnapshot({ '/': 'green' }))).toMatchObject({ status: 'succeeded' });
    older.hold();
    const newer = connect(fleet, variant);
    const changed = { ...GOOD, clusters: [edsCluster('blue', { connect_timeout: '9s' }), edsCluster('green')] };
    expect(await fleet.deploy(changed)).toMatchObject({ status: 'succeeded' });
    older.refuse('cluster', 'no such filter');
    const before = await refusals(fleet);
    older.release();
    await eventually('the refusal', async () => (await refusals(fleet)) > before || undefined);
    await eventually('a proxy that has it', async () => {
      const { converged, heldBack } = await fleet.sync();
      return (converged && heldBack === null && (await fleet.xds()).quarantines.length === 0) || undefined;
    });
    expect(newer.isConnected).toBe(true);
  },
);

both('E-32 a proxy without an assignment that claims something shows as unmanaged', async (variant) => {
  const fleet = await register();
  const client = teardown.add(clientOf());
  const stream = client.open(variant, fleet.token, fleet.proxy);
  stream.subscribe('cluster', [], { version: 'theirs', versions: { old: 'theirs' } });
  await seesManagement(fleet, 'unmanaged');
  expect(stream.frames).toEqual([]);
});

both('E-25 a proxy that is assigned something and claims what no stored snapshot holds is frozen', async (variant) => {
  const fleet = await register();
  const before = connect(fleet, variant);
  await fleet.deploy(GOOD);
  await before.stop();
  const stream = teardown.add(clientOf()).open(variant, fleet.token, fleet.proxy);
  stream.subscribe('cluster', [], { version: 'theirs', versions: { old: 'theirs' } });
  await seesManagement(fleet, 'frozen');
  expect(stream.frames).toEqual([]);
});

both('R16 after a NACK claims are not believed, on the next stream either', async (variant) => {
  const fleet = await register();
  const envoy = connect(fleet, variant);
  envoy.refuse('cluster', 'no such filter', 'bad');
  await fleet.deploy(GOOD);
  envoy.hangUpOnRefusal();
  await fleet.commit(BAD);
  await fleet.startDeployment();
  await envoy.ended;
  // It claims what it has acknowledged, all of it good; an Envoy has applied parts of the rest.
  const good = envoy.resources('cluster').get('blue')!;
  const back = teardown.add(await envoy.reconnect());
  await eventually(
    'the good cluster once more',
    () => back.received.some(({ resources }) => resources.get('blue')?.equals(good)) || undefined,
  );
});

both('R12 a proxy that comes back to another version keeps a cluster until its users have changed', async (variant) => {
  const fleet = await register();
  const before = connect(fleet, variant);
  expect(await fleet.deploy(GOOD)).toMatchObject({ status: 'succeeded' });
  await before.stop();
  const { assigned } = await fleet.xds();
  await fleet.commit(edgeSnapshot({ '/': 'green' }, ['green']));
  const deployment = await fleet.startDeployment();
  await eventually(
    'the assignment',
    async () => (await fleet.xds()).assigned?.snapshot !== assigned?.snapshot || undefined,
  );
  const back = teardown.add(await before.reconnect());
  expect(await fleet.ended(deployment)).toMatchObject({ status: 'succeeded' });
  const isGone = ({ kind, resources, removed }: Received): boolean =>
    kind === 'cluster' && (variant === 'sotw' ? !resources.has('blue') : removed.includes('blue'));
  const kinds = back.received.map((response) => (isGone(response) ? 'no more blue' : response.kind));
  expect(kinds.filter((kind) => kind === 'route' || kind === 'no more blue')).toEqual(['route', 'no more blue']);
});

both('R18 a proxy that refuses a snapshot returns to the last that it had, after a restart too', async (variant) => {
  const { fleet, envoy } = await refusing(variant);
  await envoy.stop();
  const fresh = connect(fleet, variant);
  fresh.refuse('cluster', 'no such filter', 'bad');
  await fresh.sees('cluster', 'green', 'green');
  await fresh.sees('route', 'routes', 'blue');
});

/** How many of its streams refuse something. */
const refusals = async (fleet: FleetOfOne): Promise<number> =>
  (await fleet.xds()).streams.filter(({ types }) => types.some(({ refusal }) => refusal !== null)).length;

/** A client that says just what it is told to. */
function clientOf(): XdsClient & { stop(): Promise<void> } {
  const client = new XdsClient(efms.xdsPort);
  return Object.assign(client, {
    stop: () => {
      client.close();
      return Promise.resolve();
    },
  });
}
