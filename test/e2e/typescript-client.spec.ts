import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
// As src/cli imports it: the client that the build made.
import { EfmsClient, ProblemError } from '#client';
import { EXAMPLE_SNAPSHOT } from '../../src/versioning/dto/example-snapshot.js';
import { type Efms, startEfms } from '../kit/efms.js';

const README = readFileSync(new URL('../../clients/typescript/README.md', import.meta.url), 'utf8');
const BUILT = new URL('../../dist/client/index.js', import.meta.url);
const ADMIN = { email: 'admin@efms.local', password: 'correct-horse-battery' };

describe('the TypeScript client', () => {
  let efms: Efms;
  let client: EfmsClient;

  beforeAll(async () => {
    efms = await startEfms({ env: { EFMS_ADMIN_EMAIL: ADMIN.email, EFMS_ADMIN_PASSWORD: ADMIN.password } });
    client = new EfmsClient({ baseUrl: efms.http, credential: () => efms.adminToken });
  });
  afterAll(() => efms.stop());

  async function refusal(call: Promise<unknown>): Promise<ProblemError> {
    const outcome = await call.catch((error: unknown) => error);
    if (outcome instanceof ProblemError) return outcome;
    throw new Error('it was not refused', { cause: outcome });
  }

  it('makes the calls from an empty server to a deployment', async () => {
    const { body: session } = await new EfmsClient({ baseUrl: efms.http }).auth.login(ADMIN);
    const api = new EfmsClient({ baseUrl: efms.http, credential: session.accessToken });
    const me = await api.me.me();
    expect(me.body).toMatchObject({ role: 'admin', tenant: { name: 'default' } });

    const group = await api.proxyGroups.put('name:edge', { selector: 'role=edge' });
    expect(group).toMatchObject({ status: 201, etag: '"1"', location: `/api/v1/proxy-groups/${group.body.id}` });
    const wanted = { nodeId: 'edge-1', labels: { role: 'edge', zone: 'a' } };
    expect((await api.proxies.put('name:edge-1', wanted)).status).toBe(201);
    expect((await api.proxies.put('name:edge-1', wanted)).status).toBe(200);

    const { body: credential } = await api.proxyCredentials.issue('name:edge-1', {});
    expect(credential.bootstrap).toContain(credential.token);
    const bootstrap = await api.proxyCredentials.bootstrap('name:edge-1', { format: 'yaml', protocol: 'delta' });
    expect(bootstrap.body).toContain('EFMS_TOKEN');

    const { body: configuration } = await api.configurations.create({ name: 'edge' });
    expect(configuration.branches).toEqual([{ name: 'main', head: null }]);
    const first = { branch: 'main', expectedHead: null, message: 'first version', snapshot: { ...EXAMPLE_SNAPSHOT } };
    const version = await api.versions.commit('name:edge', first);
    expect(version).toMatchObject({ status: 201, body: { number: 1 } });

    const deployment = {
      configuration: 'name:edge',
      version: 1,
      targets: { groups: ['name:edge'] },
      strategy: { type: 'immediate' as const },
    };
    const plan = await api.deployments.start(deployment, { dryRun: 'true' });
    expect(plan).toMatchObject({ status: 200, body: { targets: [{ proxy: { name: 'edge-1' } }] } });
    const started = await api.deployments.start(deployment);
    if (started.status !== 202) throw new Error('a plan came back');
    expect(started.location).toBe(`/api/v1/deployments/${started.body.id}`);

    for await (const { event, data } of api.events.followDeployment(started.body.id)) {
      expect(event).toBe(data.type);
      expect(data.subjectId).toBe(started.body.id);
      break;
    }
  });

  it('writes what was read, and throws the problem where that has changed', async () => {
    await client.proxies.create({ name: 'raced', nodeId: 'raced' });
    const { etag = '' } = await client.proxies.get('name:raced');
    const changed = await client.proxies.patch('name:raced', { labels: { zone: 'a' } }, { ifMatch: etag });
    expect(changed.body.labels).toEqual({ zone: 'a' });
    const late = await refusal(client.proxies.patch('name:raced', { labels: { zone: 'b' } }, { ifMatch: etag }));
    expect(late).toMatchObject({ status: 412, kind: 'precondition-failed', problem: { etag: changed.etag } });
  });

  it('tells findings with their pointers, and how long to wait', async () => {
    const invalid = await refusal(client.proxies.create({ name: 'bad', nodeId: '' }));
    expect(invalid.problem.errors?.[0]).toMatchObject({ pointer: '/nodeId', severity: 'error' });
    const wrong = { email: 'nobody@efms.local', password: 'wrong' };
    let last = await refusal(client.auth.login(wrong));
    for (let i = 0; i < 10; i++) last = await refusal(client.auth.login(wrong));
    expect(last).toMatchObject({ status: 429 });
    expect(last.retryAfter).toBeGreaterThan(0);
  });

  it('repeats a POST with its key without doing it again', async () => {
    const options = { idempotencyKey: 'client-once' };
    const [first, again] = [
      await client.proxyGroups.create({ name: 'once' }, options),
      await client.proxyGroups.create({ name: 'once' }, options),
    ];
    expect(again.body.id).toBe(first.body.id);
  });

  it('walks the pages of a list and the lines of an export', async () => {
    for (const name of ['a', 'b', 'c']) await client.vms.put(`name:walked-${name}/ü`, {});
    const names: string[] = [];
    for await (const { hostname } of client.vms.listAll({ limit: 1 })) names.push(hostname);
    expect(names).toEqual(['walked-a/ü', 'walked-b/ü', 'walked-c/ü']);
    const actions = new Set<string>();
    for await (const { action } of client.auditLogs.export({ resourceType: 'virtual_machines' })) actions.add(action);
    expect([...actions]).toEqual(['create']);
  });

  it('does what its README shows, as it stands', async () => {
    const example = /```js\n([\s\S]*?)```/.exec(README)?.[1] ?? '';
    const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-client-'));
    try {
      const file = path.join(folder, 'example.mjs');
      writeFileSync(file, example.replace('@efms/client', BUILT.href));
      const env = { ...process.env, EFMS_URL: efms.http, PASSWORD: ADMIN.password };
      const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
      expect(stdout).toBe(
        '412 precondition-failed Read the resource again and repeat the change on what it is now.\nedge-1 never_seen\n',
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
