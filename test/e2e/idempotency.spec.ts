import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { edgeSnapshot, registerProxy, commit, deploymentOf } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';

/** Over two replicas of one database: what one did, the other repeats. */
describe('a POST with an Idempotency-Key', () => {
  let one: Efms;
  let other: Efms;

  beforeAll(async () => {
    one = await startEfms();
    other = await startEfms({ database: one.database });
  });
  afterAll(async () => {
    await other.stop();
    await one.stop();
  });

  const post = (efms: Efms, path: string, key: string, body: object): Promise<ApiAnswer> =>
    efms.api('POST', path, body, { 'idempotency-key': key });

  it('is done once, and answered alike by every replica', async () => {
    const first = await post(one, '/configurations', 'c', { name: 'edge' });
    const again = await post(other, '/configurations', 'c', { name: 'edge' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('commits one version and starts one deployment, however often it comes', async () => {
    const proxy = await registerProxy(one, 'p');
    await expectStatus(201, one.api('POST', '/configurations', { name: 'p' }));
    const version = { branch: 'main', expectedHead: null, message: '', snapshot: edgeSnapshot() };
    const commits = [];
    for (const efms of [one, other, one]) {
      commits.push(await expectStatus(201, post(efms, '/configurations/name:p/versions', 'v', version)));
    }
    expect(new Set(commits.map(({ body }) => body.number))).toEqual(new Set([1]));
    const deployment = deploymentOf('p', 1, [proxy.name]);
    const started = await expectStatus(202, post(one, '/deployments', 'd', deployment));
    const repeated = await expectStatus(202, post(other, '/deployments', 'd', deployment));
    expect(repeated.headers.get('location')).toBe(started.headers.get('location'));
    expect((await one.api('GET', '/deployments')).body.items).toHaveLength(1);
    await expect(commit(one, 'p', 1, edgeSnapshot({ '/': 'green' }))).resolves.toBe(2);
  });

  it('refuses a key that cannot be one, also where the write is only tried', async () => {
    for (const path of ['/vms', '/vms?dryRun=true']) {
      for (const key of ['', 'k'.repeat(256)]) {
        const refused = await expectStatus(400, post(one, path, key, { name: 'v' }));
        expect(refused.body.type).toBe('/problems/idempotency-key-malformed');
      }
    }
    expect((await one.api('GET', '/vms')).body.items).toHaveLength(0);
  });

  it('refuses another body, and an answer whose secret was not kept', async () => {
    await expectStatus(422, post(one, '/configurations', 'c', { name: 'another' }));
    await expectStatus(201, post(one, '/api-keys', 'k', { name: 'ci' }));
    const again = await post(other, '/api-keys', 'k', { name: 'ci' });
    expect([again.status, again.body.type]).toEqual([409, '/problems/idempotency-answer-not-kept']);
    expect((await one.api('GET', '/api-keys')).body.items).toHaveLength(1);
  });

  it('keeps the answer that makes a tenant where nobody was invited with it', async () => {
    const alone = await expectStatus(201, post(one, '/tenants', 't', { name: 'alone' }));
    expect([alone.body.invitation, alone.headers.get('cache-control')]).toEqual([null, null]);
    const again = await expectStatus(201, post(other, '/tenants', 't', { name: 'alone' }));
    expect([again.body, again.headers.get('location')]).toEqual([alone.body, alone.headers.get('location')]);
    const admin = { email: 'admin@invited.example' };
    const invited = await expectStatus(201, post(one, '/tenants', 'i', { name: 'invited', admin }));
    expect([invited.body.invitation.token, invited.headers.get('cache-control')]).toEqual([
      expect.any(String),
      'no-store',
    ]);
    const secret = await post(other, '/tenants', 'i', { name: 'invited', admin });
    expect([secret.status, secret.body.type]).toEqual([409, '/problems/idempotency-answer-not-kept']);
  });
});
