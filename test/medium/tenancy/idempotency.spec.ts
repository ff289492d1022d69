import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, TestApp } from './app.js';

describe('Idempotency-Key', () => {
  let app: TestApp;
  let admin: string;

  beforeAll(async () => {
    app = await TestApp.start();
    admin = await app.login();
  });
  afterAll(() => app.stop());

  const post = (path: string, key: string, body: object, token = admin): Promise<Answer> =>
    app.call('POST', path, { token, body, headers: { 'idempotency-key': key } });
  const proxies = async (name: string): Promise<number> =>
    (await app.db.sql('select 1 from envoy_proxies where name = $1', [name])).length;

  it('answers a repeat as the first time and does nothing', async () => {
    const first = await post('/proxies', 'k1', { name: 'p1', nodeId: 'p1' });
    expect(first.status).toBe(201);
    const again = await post('/proxies', 'k1', { name: 'p1', nodeId: 'p1' });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    for (const name of ['location', 'etag']) expect(again.headers[name]).toBe(first.headers[name]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await proxies('p1')).toBe(1);
  });

  it('refuses the key for another body and another address', async () => {
    await post('/proxies', 'k2', { name: 'p2', nodeId: 'p2' });
    const other = await post('/proxies', 'k2', { name: 'p2', nodeId: 'other' });
    expect(other.status).toBe(422);
    expect(other.body.type).toBe('/problems/idempotency-key-reused');
    await post('/proxies/name:p1/credentials', 'k2b', {});
    expect((await post('/proxies/name:p2/credentials', 'k2b', {})).status).toBe(422);
  });

  it('keeps no answer with a secret, and says so', async () => {
    const first = await post('/proxies/name:p1/credentials', 'k3', { name: 'once' });
    expect(first.status).toBe(201);
    const again = await post('/proxies/name:p1/credentials', 'k3', { name: 'once' });
    expect(again.status).toBe(409);
    expect(again.body.type).toBe('/problems/idempotency-answer-not-kept');
    const rows = await app.db.sql(`select headers, body from idempotency_keys where key = 'k3'`);
    expect(rows).toEqual([{ headers: {}, body: null }]);
    expect(await app.db.sql(`select 1 from proxy_credentials where name = 'once'`)).toHaveLength(1);
  });

  it('keeps nothing by which a body could be guessed', async () => {
    const body = { name: 'p3', nodeId: 'p3' };
    expect((await post('/proxies', 'k3b', body)).status).toBe(201);
    const rows = await app.db.sql<{ hash: string }>(
      `select encode(request_hash, 'hex') as hash from idempotency_keys where key = 'k3b'`,
    );
    const plain = createHash('sha256')
      .update('/api/v1/proxies')
      .update('\0')
      .update(JSON.stringify(body))
      .digest('hex');
    expect(rows).toEqual([{ hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    expect(rows).not.toEqual([{ hash: plain }]);
  });

  it('keeps no failure: the same key can be tried again', async () => {
    expect((await post('/proxies', 'k4', { name: 'p1', nodeId: 'p4' })).status).toBe(409);
    expect((await post('/proxies', 'k4', { name: 'p4' })).status).toBe(422);
    expect((await post('/proxies', 'k4', { name: 'p4', nodeId: 'p4' })).status).toBe(201);
  });

  it('belongs to one principal, one tenant and one route', async () => {
    const stranger = await app.login((await app.addTenant('other')).login);
    const { body: key } = await app.call('POST', '/api-keys', { token: admin, body: { name: 'mine' } });
    expect((await post('/proxies', 'k5', { name: 'p5', nodeId: 'p5' })).status).toBe(201);
    expect((await post('/proxies', 'k5', { name: 'p5', nodeId: 'p5' }, stranger)).status).toBe(201);
    expect((await post('/proxies', 'k5', { name: 'p6', nodeId: 'p6' }, key.key)).status).toBe(201);
    expect((await post('/api-keys', 'k5', { name: 'k5' })).status).toBe(201);
  });

  it('does the work once when ten come at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post('/proxies', 'k7', { name: 'p7', nodeId: 'p7' })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(201);
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    for (const { body } of answers.filter(({ status }) => status === 409)) {
      expect(body.type).toBe('/problems/idempotency-key-busy');
    }
    expect(await proxies('p7')).toBe(1);
  });

  it('commits the row with the write: what ends before the commit leaves neither', async () => {
    await app.db.sql(`create function refuse_k8() returns trigger language plpgsql as
      $$ begin if new.key = 'k8' then raise 'no row for k8'; end if; return new; end $$`);
    await app.db.sql(
      'create trigger refuse_k8 before insert on idempotency_keys for each row execute function refuse_k8()',
    );
    expect((await post('/proxies', 'k8', { name: 'p8', nodeId: 'p8' })).status).toBe(500);
    expect(await proxies('p8')).toBe(0);
    expect(await app.db.sql(`select 1 from audit_logs where resource_name = 'p8'`)).toEqual([]);
    await app.db.sql('drop trigger refuse_k8 on idempotency_keys');
    expect((await post('/proxies', 'k8', { name: 'p8', nodeId: 'p8' })).status).toBe(201);
  });

  it('is forgotten after a day', async () => {
    await post('/proxies', 'k9', { name: 'p9', nodeId: 'p9' });
    app.clock.shift = 24 * 60 * 60 * 1000 + 1000;
    const token = await app.login();
    const again = await post('/proxies', 'k9', { name: 'p9', nodeId: 'p9' }, token);
    expect(again.status).toBe(409);
    expect(again.body.type).toBe('/problems/proxy-name-taken');
    await post('/proxies', 'k10', { name: 'p10', nodeId: 'p10' }, token);
    expect(await app.db.sql(`select 1 from idempotency_keys where key in ('k1', 'k9')`)).toEqual([]);
    app.clock.shift = 0;
  });

  it('is not taken by login', async () => {
    const again = async (): Promise<Answer> =>
      app.call('POST', '/auth/login', {
        body: { email: 'admin@efms.local', password: 'correct horse battery' },
        headers: { 'idempotency-key': 'k11' },
      });
    const sessions = [await again(), await again()];
    expect(sessions.map(({ status }) => status)).toEqual([200, 200]);
    expect(sessions[0]!.body.refreshToken).not.toBe(sessions[1]!.body.refreshToken);
  });

  it.each(['', 'x'.repeat(256), 'tab\there', 'ümlaut'])('refuses the key %j', async (key) => {
    const answer = await post('/proxies', key, { name: 'never', nodeId: 'never' });
    expect(answer.status).toBe(400);
    expect(await proxies('never')).toBe(0);
  });
});
