import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ProblemFilter } from '../../../src/common/http/problem.filter.js';
import { requestValidation } from '../../../src/common/http/validation.js';
import { DeploymentsController } from '../../../src/deployments/controllers/deployments.controller.js';
import { DeploymentReader } from '../../../src/deployments/services/deployment-reader.js';
import { DeploymentsService } from '../../../src/deployments/services/deployments.service.js';
import { ConfigurationsController } from '../../../src/versioning/controllers/configurations.controller.js';
import { VersionsController } from '../../../src/versioning/controllers/versions.controller.js';
import { EXAMPLE_SNAPSHOT } from '../../../src/versioning/dto/example-snapshot.js';
import { ConfigurationsService } from '../../../src/versioning/services/configurations.service.js';
import { VersionCommits } from '../../../src/versioning/services/version-commits.js';
import { VersionsService } from '../../../src/versioning/services/versions.service.js';
import { createDeploymentsFixture, type DeploymentsFixture } from './fixture.js';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown> & { readonly errors?: readonly { pointer: string; rule: string }[] };
}

let fixture: DeploymentsFixture;
let app: NestFastifyApplication;

beforeAll(async () => {
  fixture = await createDeploymentsFixture();
  const { configurations, commits, versions, deployments, reader } = fixture;
  const module = await Test.createTestingModule({
    controllers: [ConfigurationsController, VersionsController, DeploymentsController],
    providers: [
      { provide: ConfigurationsService, useValue: configurations },
      { provide: VersionCommits, useValue: commits },
      { provide: VersionsService, useValue: versions },
      { provide: DeploymentsService, useValue: deployments },
      { provide: DeploymentReader, useValue: reader },
    ],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  app.setGlobalPrefix('api/v1');
  app.useGlobalPipes(requestValidation());
  app.useGlobalFilters(new ProblemFilter());
  // Stands in for the guard, which belongs to tenancy.
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', (request, _reply, done) => {
      request.requestContext = fixture.ctx;
      done();
    });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
});

afterAll(async () => {
  await app.close();
  await fixture.close();
});

async function call(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await app.inject({ method, url: `/api/v1${path}`, headers, ...(body && { payload: body }) });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: answer.body === '' ? {} : (JSON.parse(answer.body) as Answer['body']),
  };
}

const version = (expectedHead: number | null, timeout = '1s') => ({
  branch: 'main',
  expectedHead,
  message: 'a version',
  snapshot: {
    ...EXAMPLE_SNAPSHOT,
    clusters: EXAMPLE_SNAPSHOT.clusters.map((cluster) => ({ ...cluster, connect_timeout: timeout })),
  },
});

describe('the calls from an empty configuration to a deployment', () => {
  it('make a configuration with an empty branch', async () => {
    const made = await call('POST', '/configurations', { name: 'edge' });
    expect(made).toMatchObject({
      status: 201,
      headers: { etag: '"1"', location: `/api/v1/configurations/${String(made.body['id'])}` },
      body: { name: 'edge', branches: [{ name: 'main', head: null }] },
    });
    expect(await call('POST', '/configurations', { name: 'edge' })).toMatchObject({ status: 409 });
    expect(await call('GET', '/configurations/name:edge')).toMatchObject({ status: 200, headers: { etag: '"1"' } });
    expect(await call('GET', '/configurations?limit=1')).toMatchObject({
      status: 200,
      body: { items: [{ name: 'edge' }], nextCursor: null },
    });
  });

  it('commit the example as it stands, and refuse a stale head', async () => {
    const committed = await call('POST', '/configurations/name:edge/versions', version(null));
    expect(committed).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: { number: 1, findings: [], validation: 'passed', createdBy: { name: 'tester' } },
    });
    expect(String(committed.headers['location'])).toMatch(/^\/api\/v1\/configurations\/[0-9a-f-]{36}\/versions\/1$/);
    expect(await call('POST', '/configurations/name:edge/versions', version(1))).toMatchObject({
      status: 200,
      body: { number: 1 },
    });
    expect(await call('POST', '/configurations/name:edge/versions', version(null, '2s'))).toMatchObject({
      status: 409,
      body: { type: '/problems/head-moved', head: 1 },
    });
    expect(await call('POST', '/configurations/name:edge/versions?dryRun=true', version(1, '2s'))).toMatchObject({
      status: 200,
      body: { number: 2, changes: true, diff: { changed: [{ kind: 'cluster', name: 'web' }] } },
    });
    expect(await call('POST', '/configurations/name:edge/versions', version(1, '2s'))).toMatchObject({
      status: 201,
      body: { number: 2 },
    });
  });

  it('say what is wrong with a version, place by place', async () => {
    const { snapshot } = version(2);
    const unknown = {
      ...version(2),
      snapshot: { ...snapshot, listeners: [{ ...EXAMPLE_SNAPSHOT.listeners[0], bogus: 1 }] },
    };
    expect(await call('POST', '/configurations/name:edge/versions', unknown)).toMatchObject({
      status: 422,
      body: { type: '/problems/invalid-snapshot', errors: [{ pointer: '/snapshot/listeners/0/bogus' }] },
    });
    const broken = { ...version(2), snapshot: { ...snapshot, clusters: [] } };
    const { body } = await call('POST', '/configurations/name:edge/versions', broken);
    expect(body.errors?.map(({ pointer }) => pointer)).toContain(
      '/snapshot/routes/0/virtual_hosts/0/routes/0/route/cluster',
    );
    const { errors } = (await call('POST', '/configurations/name:edge/versions', { expectedHed: 1, snapshot: [] }))
      .body;
    expect(errors?.map(({ pointer }) => pointer).sort()).toEqual([
      '/expectedHead',
      '/expectedHead',
      '/expectedHead',
      '/expectedHed',
      '/snapshot',
    ]);
  });

  it('read versions, their content and their differences', async () => {
    expect(await call('GET', '/configurations/name:edge/versions?limit=1')).toMatchObject({
      status: 200,
      body: { items: [{ number: 2, parent: 1 }] },
    });
    const plain = await call('GET', '/configurations/name:edge/versions/1');
    expect([plain.status, plain.headers['etag'], 'snapshot' in plain.body]).toEqual([200, '"1"', false]);
    const { body } = await call('GET', '/configurations/name:edge/versions/1?include=snapshot');
    expect(body).toMatchObject({ snapshot: { routes: [{ name: 'edge' }] } });
    expect(await call('GET', '/configurations/name:edge/versions/2/diff')).toMatchObject({
      body: { from: 1, to: 2, changed: [{ changes: [{ op: 'replace', pointer: '/connect_timeout' }] }] },
    });
    expect(await call('GET', '/configurations/name:edge/versions/1/diff?against=2')).toMatchObject({
      body: { from: 2, to: 1 },
    });
    for (const path of ['3', '0', 'x', '1/diff?against=9']) {
      expect((await call('GET', `/configurations/name:edge/versions/${path}`)).status).toBe(404);
    }
  });

  it('put, change and delete a configuration by its ETag', async () => {
    expect(await call('PUT', '/configurations/name:put', { description: 'one' })).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
    });
    expect(await call('PUT', '/configurations/name:put', { description: 'one' })).toMatchObject({ status: 200 });
    expect((await call('PUT', '/configurations/name:put', { description: 'two' })).status).toBe(428);
    expect((await call('PUT', '/configurations/name:put', { description: 'two' }, { 'if-match': '"9"' })).status).toBe(
      412,
    );
    expect(await call('PUT', '/configurations/name:put', { description: 'two' }, { 'if-match': '"1"' })).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
    });
    expect((await call('DELETE', '/configurations/name:put')).status).toBe(428);
    expect((await call('DELETE', '/configurations/name:put', undefined, { 'if-match': '"2"' })).status).toBe(204);
    expect((await call('GET', '/configurations/name:put')).status).toBe(404);
  });

  it('plan, start, follow and abort a deployment', async () => {
    await fixture.test.sql(
      'insert into envoy_proxies (tenant_id, id, name, node_id) values ($1, gen_random_uuid(), $2, $2)',
      [fixture.ctx.tenantId, 'edge-1'],
    );
    const request = {
      configuration: 'name:edge',
      version: 1,
      targets: { proxies: ['name:edge-1'] },
      strategy: { type: 'immediate' },
    };
    expect(await call('POST', '/deployments?dryRun=true', request)).toMatchObject({
      status: 200,
      body: {
        timeout: '5m',
        targets: [{ proxy: { name: 'edge-1' }, current: null, changes: true }],
        changes: [{ from: null, targets: 1 }],
        busy: [],
      },
    });
    const started = await call('POST', '/deployments', request);
    const id = String(started.body['id']);
    expect(started).toMatchObject({
      status: 202,
      headers: { location: `/api/v1/deployments/${id}` },
      body: { status: 'pending' },
    });
    expect(await call('POST', '/deployments', request)).toMatchObject({
      status: 409,
      body: { busy: [{ proxy: 'edge-1', deploymentId: id }] },
    });
    expect(await call('GET', `/deployments/${id}?limit=1`)).toMatchObject({
      status: 200,
      body: { targets: { items: [{ status: 'pending' }] } },
    });
    expect(await call('GET', '/deployments')).toMatchObject({ status: 200, body: { items: [{ id }] } });
    expect(await call('POST', `/deployments/${id}/abort`)).toMatchObject({ status: 200, body: { status: 'aborted' } });
    expect(await call('POST', `/deployments/${id}/abort`)).toMatchObject({
      status: 409,
      body: { type: '/problems/wrong-state', state: 'aborted' },
    });
    expect((await call('GET', '/deployments/nothing')).status).toBe(404);
  });

  it('refuse requests that are no deployments', async () => {
    const { status, body } = await call('POST', '/deployments', {
      configuration: 1,
      version: 0,
      targets: { groups: [1], everything: true },
      strategy: 'now',
    });
    expect(status).toBe(422);
    expect([...new Set(body.errors?.map(({ pointer }) => pointer))].sort()).toEqual([
      '/configuration',
      '/strategy',
      '/targets/everything',
      '/targets/groups',
      '/version',
    ]);
  });
});
