import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { commit, deploymentOf, edgeSnapshot, registerProxy } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { digests } from '../kit/whole-database.js';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };
const ANY = { 'if-match': '*' };
const VERSIONS = '/configurations/name:known/versions';
const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

interface Case {
  readonly what: string;
  readonly call: readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>];
  readonly status: number;
  /** Of the first finding. */
  readonly pointer?: string;
  readonly rule?: string;
}

const version = (change: (snapshot: any) => void, more: object = {}): object => {
  const snapshot = edgeSnapshot();
  change(snapshot);
  return { branch: 'main', expectedHead: 1, snapshot, ...more };
};
const deployment = (more: object): object => ({ ...deploymentOf('known', 1, ['known']), ...more });
const nested = (depth: number): string => `{"description": ${'['.repeat(depth)}${']'.repeat(depth)}}`;
const laughs = [
  'a0: &a0 [x, x]',
  ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`),
].join('\n');
const manager = 'listeners/0/filter_chains/0/filters/0/typed_config';
const firstRoute = 'routes/0/virtual_hosts/0/routes/0';

const SNAPSHOTS: readonly Case[] = [
  {
    what: 'a field that Envoy does not have',
    call: ['POST', VERSIONS, version((s) => (s.clusters[0].colour = 'blue'))],
    status: 422,
    pointer: '/snapshot/clusters/0/colour',
  },
  {
    what: 'an @type that does not exist',
    call: ['POST', VERSIONS, version((s) => (at(s, manager)['@type'] = 'type.googleapis.com/envoy.Nothing'))],
    status: 422,
    pointer: `/snapshot/${manager}/@type`,
  },
  {
    what: 'an @type that does not fit its fields',
    call: [
      'POST',
      VERSIONS,
      version((s) => (at(s, manager)['@type'] = 'type.googleapis.com/envoy.config.cluster.v3.Cluster')),
    ],
    status: 422,
    pointer: `/snapshot/${manager}/stat_prefix`,
  },
  {
    what: 'a broken rule',
    call: ['POST', VERSIONS, version((s) => (s.clusters[1].connect_timeout = '0s'))],
    status: 422,
    pointer: '/snapshot/clusters/1/connect_timeout',
  },
  {
    what: 'an enum value that does not exist',
    call: ['POST', VERSIONS, version((s) => (s.clusters[0].type = 'EDSS'))],
    status: 422,
    pointer: '/snapshot/clusters/0/type',
  },
  {
    what: 'an enum number that does not exist',
    call: ['POST', VERSIONS, version((s) => (s.clusters[0].lb_policy = 99))],
    status: 422,
    pointer: '/snapshot/clusters/0/lb_policy',
  },
  {
    what: 'a reference to a cluster that is not there',
    call: ['POST', VERSIONS, version((s) => (at(s, firstRoute).route.cluster = 'nowhere'))],
    status: 422,
    pointer: `/snapshot/${firstRoute}/route/cluster`,
  },
  {
    what: 'a reference to a route configuration that is not there',
    call: ['POST', VERSIONS, version((s) => (at(s, manager).rds.route_config_name = 'nowhere'))],
    status: 422,
    pointer: `/snapshot/${manager}/rds/route_config_name`,
  },
  {
    what: 'two resources of one name',
    call: ['POST', VERSIONS, version((s) => s.clusters.push(s.clusters[0]))],
    status: 422,
    pointer: '/snapshot/clusters/2/name',
  },
  {
    what: 'a kind of resource that does not exist',
    call: ['POST', VERSIONS, version((s) => (s.gateways = []))],
    status: 422,
    pointer: '/snapshot/gateways',
  },
  {
    what: 'an empty snapshot',
    call: ['POST', VERSIONS, { branch: 'main', expectedHead: 1, snapshot: {} }],
    status: 422,
  },
  {
    what: 'a snapshot that is a list',
    call: ['POST', VERSIONS, { branch: 'main', expectedHead: 1, snapshot: [] }],
    status: 422,
    pointer: '/snapshot',
  },
  {
    what: 'NUL in a string of a snapshot',
    call: ['POST', VERSIONS, version((s) => (s.clusters[0].alt_stat_name = 'a\0b'))],
    status: 422,
  },
  {
    what: 'half a surrogate pair in a string of a snapshot',
    call: ['POST', VERSIONS, JSON.stringify(version((s) => (s.clusters[0].alt_stat_name = 'a\ud800'))), JSON_TYPE],
    status: 422,
  },
  {
    what: 'a stale expectedHead',
    call: ['POST', VERSIONS, version(() => undefined, { expectedHead: 7 })],
    status: 409,
  },
  {
    what: 'an expectedHead of null where there is a head',
    call: ['POST', VERSIONS, version(() => undefined, { expectedHead: null })],
    status: 409,
  },
  {
    what: 'no expectedHead',
    call: ['POST', VERSIONS, { branch: 'main', snapshot: edgeSnapshot() }],
    status: 422,
    pointer: '/expectedHead',
  },
  {
    what: 'a branch that does not exist',
    call: ['POST', VERSIONS, version(() => undefined, { branch: 'nowhere' })],
    status: 422,
    pointer: '/branch',
  },
  {
    what: 'NUL in the name of a branch',
    call: ['POST', VERSIONS, version(() => undefined, { branch: 'a\0' })],
    status: 422,
    pointer: '/branch',
  },
  {
    what: 'NUL in the message of a version',
    call: ['POST', VERSIONS, version((s) => s.clusters.pop(), { message: 'a\0b' })],
    status: 422,
    pointer: '/message',
  },
  {
    what: 'a version of more than 32 MiB',
    call: ['POST', VERSIONS, version(() => undefined, { message: 'x'.repeat(33 * MIB) })],
    status: 413,
  },
];

const SECRETS: readonly Case[] = [
  { what: 'no content', call: ['PUT', '/secrets/name:new', {}], status: 422, pointer: '', rule: 'secret.type' },
  {
    what: 'two contents',
    call: ['POST', '/secrets', { name: 'new', genericSecret: { value: 'a' }, sessionTicketKeys: { keys: ['YQ=='] } }],
    status: 422,
    pointer: '',
  },
  {
    what: 'PEM of nothing',
    call: ['PUT', '/secrets/name:new', { tlsCertificate: { certificateChain: 'x', privateKey: 'y' } }],
    status: 422,
    pointer: '/tlsCertificate/privateKey',
    rule: 'secret.key.pem',
  },
  {
    what: 'a certificate of random bytes',
    call: [
      'PUT',
      '/secrets/name:new',
      { validationContext: { trustedCa: '-----BEGIN CERTIFICATE-----\nMIIBAQ==\n-----END CERTIFICATE-----' } },
    ],
    status: 422,
    pointer: '/validationContext/trustedCa',
    rule: 'secret.certificate.pem',
  },
  {
    what: 'PEM that only ever begins',
    call: [
      'PUT',
      '/secrets/name:new',
      { validationContext: { trustedCa: '-----BEGIN CERTIFICATE-----\n'.repeat(30_000) } },
    ],
    status: 422,
    pointer: '/validationContext/trustedCa',
  },
  {
    what: 'a content that is a list',
    call: ['PUT', '/secrets/name:new', { genericSecret: ['a'] }],
    status: 422,
    pointer: '/genericSecret',
  },
  {
    what: 'NUL in a content',
    call: ['PUT', '/secrets/name:new', { genericSecret: { value: 'a\0b' } }],
    status: 422,
    pointer: '/genericSecret/value',
  },
  {
    what: 'an unknown field in a content',
    call: ['PUT', '/secrets/name:new', { genericSecret: { value: 'a', file: '/etc/passwd' } }],
    status: 422,
    pointer: '/genericSecret/file',
  },
  {
    what: 'a control character in the name',
    call: ['POST', '/secrets', { name: 'a\nb', genericSecret: { value: 'a' } }],
    status: 422,
    pointer: '/name',
  },
  { what: 'a new version of nothing', call: ['POST', '/secrets/name:new/versions', {}], status: 422 },
  { what: 'a version that is no number', call: ['POST', '/secrets/name:new/versions/last/activate'], status: 404 },
];

const DEPLOYMENTS: readonly Case[] = [
  {
    what: 'an unknown proxy among the targets',
    call: ['POST', '/deployments', deploymentOf('known', 1, ['known', 'unknown'])],
    status: 422,
    pointer: '/targets/proxies/1',
  },
  {
    what: 'an unknown proxy by id',
    call: ['POST', '/deployments', deployment({ targets: { proxies: [UNKNOWN_ID] } })],
    status: 422,
    pointer: '/targets/proxies/0',
  },
  {
    what: 'a target that is no address',
    call: ['POST', '/deployments', deployment({ targets: { proxies: ['known'] } })],
    status: 422,
    pointer: '/targets/proxies/0',
  },
  {
    what: 'no targets',
    call: ['POST', '/deployments', deploymentOf('known', 1, [])],
    status: 422,
    rule: 'deployment.no-targets',
  },
  {
    what: 'an unsupported strategy',
    call: ['POST', '/deployments', deployment({ strategy: { type: 'yolo' } })],
    status: 422,
    pointer: '/strategy/type',
  },
  {
    what: 'an unknown configuration',
    call: ['POST', '/deployments', deploymentOf('unknown', 1, ['known'])],
    status: 422,
    pointer: '/configuration',
  },
  {
    what: 'an unknown version',
    call: ['POST', '/deployments', deploymentOf('known', 9, ['known'])],
    status: 422,
    pointer: '/version',
  },
  {
    what: 'a version that is no integer',
    call: ['POST', '/deployments', deployment({ version: 1.5 })],
    status: 422,
    pointer: '/version',
  },
  {
    what: 'a timeout that is no duration',
    call: ['POST', '/deployments', deployment({ timeout: 'soon' })],
    status: 422,
    pointer: '/timeout',
  },
  {
    what: 'NUL in the notes of a deployment',
    call: ['POST', '/deployments', deployment({ notes: 'a\0b' })],
    status: 422,
    pointer: '/notes',
  },
  { what: 'a deployment that does not exist', call: ['POST', `/deployments/${UNKNOWN_ID}/abort`], status: 404 },
];

const NAMES: readonly Case[] = [
  {
    what: 'an unknown field',
    call: ['PUT', '/proxies/name:known', { nodeId: 'known', colour: 'blue' }, ANY],
    status: 422,
    pointer: '/colour',
    rule: 'request.unknown-field',
  },
  {
    what: 'an unknown field in a part',
    call: ['PUT', '/proxies/name:known', { nodeId: 'known', locality: { planet: 'earth' } }, ANY],
    status: 422,
    pointer: '/locality/planet',
  },
  {
    what: 'an unknown field in a merge patch',
    call: ['PATCH', '/proxies/name:known', { colour: 'blue' }, ANY],
    status: 422,
    pointer: '/colour',
  },
  {
    what: 'a field of the wrong type',
    call: ['PUT', '/proxies/name:known', { nodeId: { $ne: null } }, ANY],
    status: 422,
    pointer: '/nodeId',
  },
  {
    what: 'a required field that is removed',
    call: ['PATCH', '/proxies/name:known', { nodeId: null }, ANY],
    status: 422,
    pointer: '/nodeId',
  },
  ...['a\nb', 'a\u0000b', 'a\u001b[31mb', ' a', ''].map((name) => ({
    what: `the name ${JSON.stringify(name)} for a configuration`,
    call: ['POST', '/configurations', { name }] as const,
    status: 422,
    pointer: '/name',
  })),
  ...['a\nb', 'a\u0000b', '\u007f', 'x'.repeat(256)].map((name) => ({
    what: `the name ${JSON.stringify(name.slice(0, 20))} for a proxy`,
    call: ['POST', '/proxies', { name, nodeId: 'n' }] as const,
    status: 422,
    pointer: '/name',
  })),
  {
    what: 'NUL in a description',
    call: ['POST', '/configurations', { name: 'n', description: 'a\0' }],
    status: 422,
    pointer: '/description',
  },
  {
    what: 'NUL in a tag',
    call: ['POST', '/configurations', { name: 'n', tags: ['a\0'] }],
    status: 422,
    pointer: '/tags/0',
  },
  {
    what: 'a label that no label is',
    call: ['PUT', '/proxies/name:known', { nodeId: 'known', labels: { 'a b': 'c' } }, ANY],
    status: 422,
    pointer: '/labels',
  },
  { what: 'a name that is taken', call: ['POST', '/configurations', { name: 'known' }], status: 409 },
  {
    what: 'a control character in the name of an API key',
    call: ['POST', '/api-keys', { name: 'a\nb' }],
    status: 422,
    pointer: '/name',
  },
  {
    what: 'an API key that ends in the past and one permission that is none',
    call: ['POST', '/api-keys', { name: 'k', permissions: ['everything'] }],
    status: 422,
    pointer: '/permissions',
  },
  {
    what: 'a credential that ends in the past',
    call: ['POST', '/proxies/name:known/credentials', { expiresAt: '2001-01-01T00:00:00Z' }],
    status: 422,
    pointer: '/expiresAt',
  },
];

const BODIES: readonly Case[] = [
  {
    what: 'text that is not JSON',
    call: ['POST', '/configurations', '{"name": ', JSON_TYPE],
    status: 400,
    pointer: '',
  },
  {
    what: 'a body of more than 1 MiB',
    call: ['POST', '/configurations', { name: 'n', description: 'x'.repeat(MIB) }],
    status: 413,
  },
  { what: 'deep JSON', call: ['POST', '/configurations', nested(200), JSON_TYPE], status: 400, rule: 'document.depth' },
  {
    what: 'absurdly deep JSON',
    call: ['POST', '/configurations', nested(400_000), JSON_TYPE],
    status: 400,
    rule: 'document.depth',
  },
  { what: 'a YAML alias bomb', call: ['POST', '/configurations', laughs], status: 400, rule: 'document.yaml' },
  {
    what: 'duplicate YAML keys',
    call: ['POST', '/configurations', 'name: a\nname: b'],
    status: 400,
    rule: 'document.yaml',
  },
  { what: 'several YAML documents', call: ['POST', '/configurations', 'name: a\n---\nname: b'], status: 400 },
  {
    what: '__proto__',
    call: ['POST', '/configurations', '{"name": "n", "__proto__": {"admin": true}}', JSON_TYPE],
    status: 400,
    pointer: '/__proto__',
    rule: 'document.key',
  },
  {
    what: '__proto__ in labels',
    call: ['PUT', '/proxies/name:known', '{"nodeId": "known", "labels": {"__proto__": "x"}}', { ...JSON_TYPE, ...ANY }],
    status: 400,
    pointer: '/labels/__proto__',
  },
  {
    what: 'constructor.prototype in a snapshot',
    call: ['POST', VERSIONS, '{"snapshot": {"clusters": [{"constructor": {"prototype": {}}}]}}', JSON_TYPE],
    status: 400,
    pointer: '/snapshot/clusters/0/constructor',
  },
  { what: 'a form', call: ['POST', '/configurations', 'name=n', { 'content-type': 'text/plain' }], status: 415 },
  {
    what: 'XML',
    call: ['POST', '/configurations', '<name/>', { 'content-type': 'application/xml' }],
    status: 415,
  },
  ...['[]', '"name"', '5', 'null', 'true'].flatMap((body) =>
    (
      [
        ['POST', '/configurations'],
        ['POST', '/deployments'],
        ['POST', VERSIONS],
        ['PUT', '/proxies/name:new'],
        ['PATCH', '/proxies/name:known'],
      ] as const
    ).map(([method, path]) => ({
      what: `${body} as the body of ${method} ${path}`,
      call: [method, path, body, { ...JSON_TYPE, ...ANY }] as const,
      status: 4,
    })),
  ),
  { what: 'no body at all', call: ['POST', '/configurations'], status: 4 },
];

const ADDRESSES: readonly Case[] = [
  { what: 'a broken cursor', call: ['GET', '/proxies?cursor=broken'], status: 400 },
  {
    what: 'a cursor that was made by hand',
    call: ['GET', `/configurations?cursor=${Buffer.from('["a", "b"]').toString('base64url')}`],
    status: 400,
  },
  { what: 'a cursor with NUL', call: ['GET', `/proxies?cursor=${cursorOf('a\0')}`], status: 400 },
  { what: 'a limit of nothing', call: ['GET', '/proxies?limit=0'], status: 422, pointer: '/limit' },
  { what: 'a limit that is text', call: ['GET', '/deployments?limit=many'], status: 422, pointer: '/limit' },
  { what: 'an unknown query parameter', call: ['GET', '/proxies?colour=blue'], status: 422, pointer: '/colour' },
  { what: 'a query parameter twice', call: ['GET', '/proxies?name=a&name=b'], status: 422, pointer: '/name' },
  { what: 'NUL in a query parameter', call: ['GET', '/proxies?name=%00'], status: 422, pointer: '/name' },
  { what: 'a broken label selector', call: ['GET', '/proxies?labels=%3D%3D'], status: 400 },
  { what: 'If-Match missing on PATCH', call: ['PATCH', '/proxies/name:known', { cluster: 'c' }], status: 428 },
  { what: 'If-Match missing on DELETE', call: ['DELETE', '/proxies/name:known'], status: 428 },
  {
    what: 'If-Match missing on a PUT that changes',
    call: ['PUT', '/proxies/name:known', { nodeId: 'known', cluster: 'c' }],
    status: 428,
  },
  {
    what: 'If-Match missing on DELETE of a configuration',
    call: ['DELETE', '/configurations/name:known'],
    status: 428,
  },
  {
    what: 'a stale If-Match on PATCH',
    call: ['PATCH', '/proxies/name:known', { cluster: 'c' }, { 'if-match': '"99"' }],
    status: 412,
  },
  {
    what: 'a weak If-Match',
    call: ['PATCH', '/proxies/name:known', { cluster: 'c' }, { 'if-match': 'W/"1"' }],
    status: 412,
  },
  {
    what: 'a stale If-Match on DELETE',
    call: ['DELETE', '/proxies/name:known', undefined, { 'if-match': '"99"' }],
    status: 412,
  },
  { what: 'malformed percent-encoding', call: ['GET', '/proxies/name:%E0%A4%A'], status: 400 },
  { what: 'percent-encoding of bytes that are no text', call: ['GET', '/proxies/name:%FF%FE'], status: 400 },
  { what: 'an address that is neither id nor name', call: ['GET', '/proxies/known'], status: 404 },
  { what: 'NUL in a name of the path', call: ['GET', '/proxies/name:a%00'], status: 404 },
  { what: 'half an id', call: ['GET', '/deployments/01890a5d'], status: 404 },
  { what: 'a version that is no number', call: ['GET', `${VERSIONS}/latest`], status: 404 },
  { what: 'a path of nothing', call: ['GET', '/nothing/../../etc/passwd'], status: 404 },
  { what: 'a path that is too long', call: ['GET', `/proxies/name:${'x'.repeat(5000)}`], status: 414 },
  { what: 'a method that a path does not take', call: ['PATCH', '/deployments', {}], status: 405 },
];

describe('input that cannot be taken', () => {
  let efms: Efms;
  let stored: Record<string, string>;

  beforeAll(async () => {
    efms = await startEfms({ env: { EFMS_LOG_LEVEL: 'fatal' } });
    await registerProxy(efms, 'known');
    await expectStatus(201, efms.api('POST', '/configurations', { name: 'known' }));
    await commit(efms, 'known', null, edgeSnapshot());
    stored = await digests(efms.database);
  });
  afterAll(() => efms.stop());

  describe.each([
    ['in a snapshot', SNAPSHOTS],
    ['in a secret', SECRETS],
    ['in a deployment', DEPLOYMENTS],
    ['in names and fields', NAMES],
    ['in a body', BODIES],
    ['in addresses, queries and headers', ADDRESSES],
  ])('%s', (_, cases) => {
    it.each(cases)('$what answers a problem and changes nothing', async ({ call, status, pointer, rule }) => {
      const before = stored;

      const answer = await efms.api(...call);

      stored = await digests(efms.database);
      expect(stored).toEqual(before);
      if (status < 10) expect([400, 422]).toContain(answer.status);
      else expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.body).toMatchObject({
        type: expect.stringMatching(/^\/problems\/[a-z-]+$/),
        title: expect.any(String),
        status: answer.status,
        detail: expect.any(String),
        requestId: expect.any(String),
      });
      if (pointer !== undefined) {
        expect(answer.body.errors).toContainEqual(
          expect.objectContaining({ pointer, detail: expect.any(String), severity: 'error' }),
        );
      }
      if (rule !== undefined) expect(answer.body.errors).toContainEqual(expect.objectContaining({ rule }));
    });
  });

  it('a version of more than 1 MiB is taken', async () => {
    const clusters = Array.from({ length: 4_500 }, (_, i) => `cluster-${i}-${'x'.repeat(60)}`);
    const snapshot = edgeSnapshot({ '/': clusters[0]! }, clusters);
    const body = JSON.stringify({ branch: 'main', expectedHead: 1, snapshot });
    expect(body.length).toBeGreaterThan(1.2 * MIB);
    await expectStatus(200, efms.api('POST', `${VERSIONS}?dryRun=true`, JSON.parse(body)));
  });

  it('a body that begins with a byte order mark is taken', async () => {
    const body = `\ufeff${JSON.stringify(version(() => undefined))}`;
    await expectStatus(200, efms.api('POST', `${VERSIONS}?dryRun=true`, body, JSON_TYPE));
  });

  it.each(['application/json', 'application/yaml'])('a body of %s that is not UTF-8 is refused', async (type) => {
    const answer = await fetch(`${efms.http}/api/v1/configurations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${efms.adminToken}`, 'content-type': type },
      body: Buffer.from('{"name": "caf\u00e9"}', 'latin1'),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ rule: 'document.encoding' }] });
    expect(await digests(efms.database)).toEqual(stored);
  });

  it.each([
    ['without a credential', {}],
    ['with one that is nobody\u2019s', { authorization: 'Bearer efms_nobody' }],
  ])('a large body is not read for a request %s', async (_, headers: Record<string, string>) => {
    // Duplicate keys are looked for in a time that grows with the square of their number: reading this takes many seconds.
    const hostile = Array.from({ length: 80_000 }, (__, i) => `k${i}: 1`).join('\n');
    const post = (path: string): Promise<Response> =>
      fetch(`${efms.http}/api/v1${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/yaml', ...headers },
        body: hostile,
      });
    expect((await post(VERSIONS)).status).toBe(401);
    // Read, it would have been refused with 400.
    expect((await post('/auth/login')).status).toBe(422);
  });

  it.each([
    ['with its length', `content-length: ${30 * MIB}\r\n\r\n`],
    ['in chunks', `transfer-encoding: chunked\r\n\r\n${(30 * MIB).toString(16)}\r\n`],
  ])('a body of somebody unknown is not waited for, sent %s', async (_, headers) => {
    const socket = net.connect(Number(new URL(efms.http).port), '127.0.0.1');
    const head = `POST /api/v1${VERSIONS} HTTP/1.1\r\nhost: efms\r\ncontent-type: application/yaml\r\n`;
    socket.write(`${head}${headers}${'k: 1\n'.repeat(MIB / 4)}`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
    expect((await efms.api('GET', '/me')).status).toBe(200);
  });

  it('a request that is no HTTP ends that connection only', async () => {
    const { port } = new URL(efms.http);
    const outcome = await new Promise<number | string>((resolve) => {
      const request = http.request({ port, path: '/api/v1/me', headers: { 'x-big': 'y'.repeat(100_000) } });
      request.on('response', (response) => resolve(response.statusCode ?? 0));
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      request.end();
    });
    expect([431, 'ECONNRESET', 'EPIPE']).toContain(outcome);
    expect((await efms.api('GET', '/me')).status).toBe(200);
  });
});

/** What stands at a path such as "routes/0/name". */
function at(root: any, path: string): any {
  return path.split('/').reduce((value, step) => value[step], root);
}

function cursorOf(name: string): string {
  return Buffer.from(JSON.stringify([name, UNKNOWN_ID])).toString('base64url');
}
