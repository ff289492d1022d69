import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { edgeOf } from '../../bench/xds/documents.js';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';

/** Some 200 KB, which are read in a thread. */
const LARGE = edgeOf(150 * 1024);

/** Without aliases, of which few are read. */
const yaml = (body: object): string => stringify(body, { aliasDuplicateObjects: false });

describe('snapshots that are read in threads', () => {
  let efms: SpawnedEfms;
  beforeAll(async () => {
    efms = await spawnEfms({ env: { EFMS_THREADS: '1' } });
  });
  afterAll(() => efms.stop());

  async function configuration(name: string): Promise<string> {
    await efms.api('POST', '/configurations', { name });
    return `/configurations/name:${name}/versions`;
  }
  const changed = (timeout: string) => {
    const [first, ...clusters] = LARGE.clusters!;
    return { ...LARGE, clusters: [{ ...first, connect_timeout: timeout }, ...clusters] };
  };

  it('are committed, tried, compared and read like others, from JSON and YAML', async () => {
    const versions = await configuration('large');
    const tried = await efms.api('POST', `${versions}?dryRun=true`, { expectedHead: null, snapshot: LARGE });
    expect([tried.status, tried.body.diff.added.length]).toEqual([200, 302]);

    const first = await efms.api('POST', versions, { expectedHead: null, snapshot: LARGE });
    expect([first.status, first.body.hash]).toEqual([201, tried.body.hash]);
    const same = await efms.api('POST', versions, yaml({ expectedHead: 1, snapshot: LARGE }));
    expect([same.status, same.body.number]).toEqual([200, 1]);
    const second = await efms.api('POST', versions, yaml({ expectedHead: 1, snapshot: changed('7s') }));
    expect([second.status, second.body.number]).toEqual([201, 2]);

    const diff = (await efms.api('GET', `${versions}/2/diff`)).body;
    const name = 'cluster-0000';
    const changes = [{ op: 'replace', pointer: '/connect_timeout', before: '5s', value: '7s' }];
    expect(diff).toEqual({ from: 1, to: 2, added: [], removed: [], changed: [{ kind: 'cluster', name, changes }] });
    const backwards = (await efms.api('GET', `${versions}/1/diff?against=2`)).body;
    expect(backwards.changed).toEqual([
      { kind: 'cluster', name, changes: [{ ...changes[0], before: '7s', value: '5s' }] },
    ]);

    const { snapshot } = (await efms.api('GET', `${versions}/2?include=snapshot`)).body;
    expect(snapshot.clusters).toHaveLength(150);
    expect(snapshot.clusters[0].connect_timeout).toBe('7s');
  });

  it('leave the same index behind as a first version would', async () => {
    const indexed = async (): Promise<unknown> =>
      efms.database.sql(
        `select c.name, v.version_number, count(distinct d.id)::integer as clusters,
                max(d.connect_timeout_ms) as timeout, count(distinct e.id)::integer as endpoints
           from configuration_versions v join proxy_configurations c on c.id = v.configuration_id
           join cluster_definitions d on d.configuration_version_id = v.id
           join endpoint_definitions e on e.configuration_version_id = v.id
          where c.name like 'index-%' group by c.name, v.version_number order by c.name`,
      );
    const one = await configuration('index-one');
    await efms.api('POST', one, { expectedHead: null, snapshot: LARGE });
    await efms.api('POST', one, { expectedHead: 1, snapshot: changed('9s') });
    const two = await configuration('index-two');
    await efms.api('POST', two, { expectedHead: null, snapshot: changed('9s') });
    const row = { clusters: 150, timeout: '9000', endpoints: 150 };
    expect(await indexed()).toEqual([
      { name: 'index-one', version_number: 2, ...row },
      { name: 'index-two', version_number: 1, ...row },
    ]);
  });

  it('are refused with pointers into what was sent', async () => {
    const versions = await configuration('refused');
    const refusal = async (body: object) => {
      const { status, body: problem } = await efms.api('POST', versions, { expectedHead: null, ...body });
      return [status, problem.errors?.[0]?.pointer, problem.errors?.[0]?.rule];
    };
    const clusters = [...LARGE.clusters!, { name: 'x', connectTimeout: 5 }];
    expect(await refusal({ snapshot: { ...LARGE, clusters } })).toEqual([
      422,
      '/snapshot/clusters/150/connectTimeout',
      'schema.duration',
    ]);
    const unstorable = [...LARGE.clusters!, { name: 'x\0' }];
    expect(await refusal({ snapshot: { ...LARGE, clusters: unstorable } })).toEqual([
      422,
      '/snapshot/clusters/150/name',
      'request.text',
    ]);
    const secrets = [{ name: 'nobody' }];
    expect(await refusal({ snapshot: { ...LARGE, secrets } })).toEqual([
      422,
      '/snapshot/secrets/0/name',
      'reference.secret',
    ]);
    expect(await refusal({ snapshot: LARGE, what: 1 })).toEqual([422, '/what', 'request.unknown-field']);
    expect(await refusal({ snapshot: LARGE, branch: 'none' })).toEqual([422, '/branch', 'version.branch']);
    expect(await refusal({ snapshot: LARGE, message: 'x'.repeat(2 ** 21) })).toEqual([400, '', 'document.size']);
  });

  it('are told apart by an Idempotency-Key', async () => {
    const versions = await configuration('keyed');
    const send = (snapshot: object) =>
      efms.api('POST', versions, { expectedHead: null, snapshot }, { 'idempotency-key': 'once' });
    const first = await send(LARGE);
    const again = await send(LARGE);
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await send(changed('8s'))).status).toBe(422);
  });

  it('are stored as a whole or not at all when EFMS is told to end', async () => {
    const ending = await spawnEfms({ database: efms.database, env: { EFMS_THREADS: '1' } });
    try {
      const versions = await configuration('ending');
      let sent = 0;
      const commits = Array.from({ length: 6 }, async (_, i) => {
        sent += 1;
        const body = { expectedHead: null, snapshot: changed(`${10 + i}s`) };
        return (await ending.api('POST', versions, body).catch(() => undefined))?.status;
      });
      await eventually('commits on their way', () => sent === 6 || undefined);
      expect(await ending.terminate()).toBe(0);
      const statuses = await Promise.all(commits);
      const { body } = await efms.api('GET', versions);
      expect(body.items.length).toBeGreaterThanOrEqual(statuses.filter((status) => status === 201).length);
      expect(statuses.filter((status) => ![201, 409, 503, undefined].includes(status))).toEqual([]);
    } finally {
      await ending.stop();
    }
  });
});
