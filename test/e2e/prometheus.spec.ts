import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { type Family, labelsOf, readExposition } from '../kit/exposition.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { type DocumentedMetric, documentedMetrics, expressions, selectorsOf } from '../kit/metrics-files.js';
import { describeWithPromtool, promtool } from '../kit/promtool.js';
import { clusterLoad, LoadReporter } from '../kit/report-client.js';
import { Teardown } from '../kit/teardown.js';

/** What a server does not have to tell of, with why. */
const ONLY_SOMETIMES: Readonly<Record<string, string>> = {
  efms_tls_certificate_expiry_timestamp_seconds: 'both ports speak plaintext here',
  efms_traffic_partitions_ahead: 'its job has its first turn after minutes',
};

/** Picks that find nothing where all is well. */
const NEVER_HERE = /status=~"5\.\."/;

const documented = documentedMetrics();

describe('/metrics', () => {
  const teardown = new Teardown();
  let efms: Efms;
  let families: readonly Family[];

  const scrape = async (): Promise<readonly Family[]> =>
    readExposition(await (await fetch(`${efms.http}/metrics`)).text());
  const valueOf = (from: readonly Family[], name: string, labels: Readonly<Record<string, string>> = {}): number =>
    from
      .flatMap(({ samples }) => samples)
      .filter(
        (sample) =>
          sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )
      .reduce((sum, { value }) => sum + value, 0);

  beforeAll(async () => {
    efms = await startEfms();
    await littleTraffic();
    families = await eventually('a count of the fleet', async () => {
      const now = await scrape();
      return valueOf(now, 'efms_fleet_converged_proxies') === 1 ? now : undefined;
    });
  });
  afterAll(async () => {
    await teardown.run();
    await efms.stop();
  });

  /** Two versions that a proxy takes and one that it refuses, a load report, a call that is refused and a stream that is. */
  async function littleTraffic(): Promise<void> {
    const { token } = await registerProxy(efms, 'edge');
    await expectStatus(201, efms.api('POST', '/configurations', { name: 'edge' }));
    const connect = (as: string) =>
      teardown.add(new HollowEnvoy({ port: efms.xdsPort, token: as, nodeId: 'edge', variant: 'delta' }));
    const envoy = connect(token);
    const stranger = connect('nobody');
    await stranger.ended;
    envoy.refuse('cluster', 'no such thing', 'red');
    for (const [i, clusters] of [['blue'], ['blue', 'green'], ['blue', 'red']].entries()) {
      const version = await commit(efms, 'edge', i || null, edgeSnapshot({ '/': 'blue' }, clusters));
      const { status } = await deploymentEnd(efms, await startDeployment(efms, 'edge', version, ['edge']));
      expect(status).toBe(clusters.includes('red') ? 'halted' : 'succeeded');
    }
    teardown.add(await envoy.reconnect());
    const reporter = teardown.add(new LoadReporter(efms.xdsPort, token, 'edge'));
    await reporter.asked;
    reporter.report(clusterLoad('blue', 1));
    await expectStatus(404, efms.api('GET', '/proxies/name:nobody'));
    const worthless = { branch: 'main', expectedHead: 3, message: 'refused', snapshot: { clusters: [{}] } };
    await expectStatus(422, efms.api('POST', '/configurations/name:edge/versions', worthless));
  }

  it('tells what docs/reference/metrics.md says: names, types, labels and meanings', () => {
    const told = families.map((family) => {
      const known = documented.find(({ name }) => name === family.name);
      const labels = family.samples.length > 0 ? labelsOf(family) : (known?.labels ?? []);
      return { name: family.name, type: family.type, labels, help: family.help };
    });
    const byName = (a: DocumentedMetric, b: DocumentedMetric): number => (a.name < b.name ? -1 : 1);
    expect(told.sort(byName)).toEqual([...documented].sort(byName));
  });

  it('has a value for whatever alert rules and dashboard look for', () => {
    const samples = families.flatMap((family) => family.samples);
    const missing = expressions()
      .flatMap(selectorsOf)
      .filter(({ series }) => !(series in ONLY_SOMETIMES))
      .filter(
        ({ series, matchers }) =>
          !samples.some(
            ({ name, labels }) =>
              name === series && matchers.every(({ label, matches }) => matches(labels[label] ?? '')),
          ),
      );
    expect([...new Set(missing.map(({ text }) => text))].filter((text) => !NEVER_HERE.test(text))).toEqual([]);
  });

  it('has a value for every metric', () => {
    const empty = families.filter(({ samples }) => samples.length === 0).map(({ name }) => name);
    expect(empty.filter((name) => !(name in ONLY_SOMETIMES))).toEqual([]);
  });

  describeWithPromtool('with promtool', () => {
    it('is as Prometheus wants it', async () => {
      const text = await (await fetch(`${efms.http}/metrics`)).text();
      expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, output: '' });
    });
  });
});
