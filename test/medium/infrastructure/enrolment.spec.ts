import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DeniedAccessLog } from '../../../src/common/audit/denied-access.js';
import { ProxyCredentials } from '../../../src/infrastructure/index.js';
import { TestApp } from '../tenancy/app.js';

const LATER = '2990-01-01T00:00:00Z';
let made = 0;

describe('enrolment', () => {
  let app: TestApp;
  let admin: string;

  beforeAll(async () => {
    app = await TestApp.start();
    admin = await app.login();
    await app.call('PUT', '/proxy-groups/name:edge', { token: admin, body: {} });
  });
  afterEach(() => {
    app.clock.shift = 0;
  });
  afterAll(() => app.stop());

  const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object, headers = {}) =>
    app.call(method, path, { token: admin, body, headers });
  const newToken = async (more: object = {}) => {
    made += 1;
    const answer = await call('POST', '/enrolment-tokens', { name: `token-${made}`, expiresAt: LATER, ...more });
    expect(answer.status).toBe(201);
    return answer;
  };
  const enrol = (token: string | undefined, nodeId: string, more: object = {}) =>
    app.call('POST', '/enrol', { body: { nodeId, ...(token === undefined ? {} : { token }), ...more } });
  const problem = ({ status, body }: { status: number; body: any }) => [status, body.type];

  it('tokens are shown once and kept as hashes', async () => {
    const { headers, body, text } = await newToken({ group: 'name:edge', labels: { role: 'edge' }, maxUses: 3 });
    expect(headers).toMatchObject({ 'cache-control': 'no-store', etag: '"1"' });
    expect(body.token).toMatch(/^efmse_[A-Za-z0-9_-]{43}$/);
    const { token, ...rest } = body;
    expect(rest).toMatchObject({ group: { name: 'edge' }, labels: { role: 'edge' }, maxUses: 3, uses: 0 });
    expect((await call('GET', `/enrolment-tokens/${body.id}`)).body).toEqual(rest);
    const list = await call('GET', '/enrolment-tokens');
    expect(list.body.items).toContainEqual(rest);
    expect(list.text).not.toContain(token);
    expect(text).toContain(token);
    const [row] = await app.db.sql<{ dump: string }>(
      `select (select string_agg(t::text, ' ') from enrolment_tokens t) || (select string_agg(a::text, ' ') from audit_logs a) as dump`,
    );
    expect(row!.dump).not.toContain(token.slice(6));
  });

  it.each([
    [{ expiresAt: '2001-01-01T00:00:00Z' }, '/expiresAt'],
    [{ expiresAt: undefined }, '/expiresAt'],
    [{ group: 'name:nobody' }, '/group'],
    [{ maxUses: 0 }, '/maxUses'],
    [{ labels: { 'a b': 'c' } }, '/labels'],
  ])('tokens are refused with %j', async (more, pointer) => {
    const answer = await call('POST', '/enrolment-tokens', { name: 'refused', expiresAt: LATER, ...more });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer }));
    expect((await call('GET', '/enrolment-tokens/name:refused')).status).toBe(404);
  });

  it('makes a proxy with the group and the labels of the token, and a credential of its own', async () => {
    const { body: token } = await newToken({ group: 'name:edge', labels: { role: 'edge' } });
    const { status, headers, body } = await enrol(token.token, 'new-1', { locality: { zone: 'a' } });
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({
      proxy: { name: 'new-1', nodeId: 'new-1' },
      credential: { name: `enrolled by ${token.name}` },
    });
    expect(body.credential.bootstrap).toContain(body.credential.token);
    expect(await app.nest.get(ProxyCredentials).authenticate(body.credential.token)).toMatchObject({
      proxyId: body.proxy.id,
      nodeId: 'new-1',
    });
    expect((await call('GET', '/proxies/name:new-1')).body).toMatchObject({
      labels: { role: 'edge' },
      locality: { zone: 'a' },
    });
    const members = await call('GET', '/proxy-groups/name:edge/members');
    expect(members.body.items).toMatchObject([{ proxy: { name: 'new-1' }, sources: ['static'] }]);
    const events = await call('GET', '/proxy-groups/name:edge/membership-events?limit=1');
    expect(events.body.items).toMatchObject([{ reason: 'enrolled', actor: { kind: 'proxy' } }]);
    const audited = await app.db.sql(
      `select action, actor_kind, actor_name from audit_logs where resource_id = $1 order by created_at`,
      [body.proxy.id],
    );
    const actor = { actor_kind: 'proxy', actor_name: `new-1 (enrolment token ${token.name})` };
    expect(audited).toEqual([
      { action: 'create', ...actor },
      { action: 'enrol', ...actor },
    ]);
    expect((await call('GET', `/enrolment-tokens/${token.id}`)).body.uses).toBe(1);
  });

  it('takes the token as a bearer too, and needs one', async () => {
    const { body: token } = await newToken();
    expect(problem(await enrol(undefined, 'bearer-1'))).toEqual([401, '/problems/enrolment-refused']);
    const body = { nodeId: 'bearer-1' };
    expect((await app.call('POST', '/enrol', { token: token.token, body })).status).toBe(201);
    expect(problem(await app.call('POST', '/enrol', { token: admin, body }))).toEqual([
      401,
      '/problems/enrolment-refused',
    ]);
  });

  it('refuses tokens that are unknown, expired, used up or ended, and audits that', async () => {
    const { body: one } = await newToken();
    expect((await enrol(one.token, 'used-1')).status).toBe(201);
    const usedUp = await enrol(one.token, 'used-2');
    expect(problem(usedUp)).toEqual([401, '/problems/enrolment-refused']);
    expect(usedUp.body.detail).toContain('used up');
    const { body: short } = await newToken();
    app.clock.shift = Date.parse(LATER) - Date.now();
    expect((await enrol(short.token, 'used-2')).body.detail).toContain('expired');
    app.clock.shift = 0;
    expect((await call('DELETE', `/enrolment-tokens/${short.id}`)).status).toBe(428);
    expect((await call('DELETE', `/enrolment-tokens/${short.id}`, undefined, { 'if-match': '"1"' })).status).toBe(204);
    for (const token of [short.token, 'efmse_x', `efmse_${'a'.repeat(43)}`]) {
      expect((await enrol(token, 'used-2')).body.detail).toContain('unknown');
    }
    expect((await call('GET', '/proxies/name:used-2')).status).toBe(404);
    await app.nest.get(DeniedAccessLog).flush();
    const denied = await app.db.sql(
      `select changes ->> 'reason' as reason from audit_logs where action = 'enrol' and outcome = 'denied' and resource_id = $1`,
      [one.id],
    );
    expect(denied).toEqual([{ reason: 'the enrolment token is used up' }]);
  });

  it('never counts more uses than a token is good for, however many come at once', async () => {
    const { body: token } = await newToken({ maxUses: 3 });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => enrol(token.token, `many-${i}`)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 201, 201, 401, 401, 401, 401, 401, 401, 401]);
    expect((await call('GET', '/proxies?name=many-')).body.items).toHaveLength(3);
    expect((await call('GET', `/enrolment-tokens/${token.id}`)).body.uses).toBe(3);
  });

  it('gives one credential to many that enrol one node id at once', async () => {
    const { body: token } = await newToken({ maxUses: 10 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => enrol(token.token, 'same')));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect((await call('GET', '/proxies/name:same/credentials')).body.items).toHaveLength(1);
    expect((await call('GET', `/enrolment-tokens/${token.id}`)).body.uses).toBe(1);
  });

  it('hands out proxies that were registered before, but none that are in use or outside the group', async () => {
    const { body: token } = await newToken({ maxUses: 10, group: 'name:edge' });
    for (const name of ['known', 'outside', 'in-use'])
      await call('PUT', `/proxies/name:${name}`, { nodeId: `node-${name}` });
    for (const name of ['known', 'in-use']) await call('PUT', `/proxy-groups/name:edge/members/name:${name}`);
    await call('POST', '/proxies/name:in-use/credentials', {});
    const known = await enrol(token.token, 'node-known');
    expect(known.body.proxy).toMatchObject({ name: 'known' });
    for (const nodeId of ['node-outside', 'node-in-use', 'node-known']) {
      expect(problem(await enrol(token.token, nodeId))).toEqual([409, '/problems/already-enrolled']);
    }
    expect(problem(await enrol(token.token, 'node-other', { name: 'known' }))).toEqual([
      409,
      '/problems/proxy-name-taken',
    ]);
    expect((await call('GET', `/enrolment-tokens/${token.id}`)).body.uses).toBe(1);
    const refused = await call('DELETE', '/proxy-groups/name:edge', undefined, { 'if-match': '*' });
    expect(problem(refused)).toEqual([409, '/problems/group-in-use']);
  });

  it('refuses labels and other things that machines do not choose', async () => {
    const { body: token } = await newToken();
    const refused = await enrol(token.token, 'chooser', { labels: { env: 'prod' } });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/labels']);
    expect((await call('GET', `/enrolment-tokens/${token.id}`)).body.uses).toBe(0);
  });

  it('happens in the tenant of the token, whose tokens no other tenant sees', async () => {
    const { login } = await app.addTenant('enrolment-strangers');
    const stranger = await app.login(login);
    const { body: token } = await newToken();
    expect((await app.call('GET', `/enrolment-tokens/${token.id}`, { token: stranger })).status).toBe(404);
    expect((await app.call('GET', '/enrolment-tokens', { token: stranger })).body.items).toEqual([]);
    expect((await enrol(token.token, 'ours')).status).toBe(201);
    expect((await app.call('GET', '/proxies/name:ours', { token: stranger })).status).toBe(404);
  });

  it('is refused for a while after many failures with one token, one that nobody made alike', async () => {
    await app.db.sql('delete from login_failures');
    const { body: used } = await newToken();
    expect((await enrol(used.token, 'limited-1')).status).toBe(201);
    const unknown = `efmse_${'x'.repeat(43)}`;
    const told = async (token: string): Promise<unknown[]> => {
      const answers = [];
      for (let i = 0; i < 21; i++) answers.push(await enrol(token, `limited-${i + 2}`));
      return answers.map(({ status, headers }) => [status, Number(headers['retry-after'] ?? 0) > 0]);
    };
    const expected = [...Array<unknown>(20).fill([401, false]), [429, true]];
    expect(await told(used.token)).toEqual(expected);
    expect(await told(unknown)).toEqual(expected);
    const { body: other } = await newToken({ maxUses: 30 });
    const crowd = await Promise.all(Array.from({ length: 30 }, (_, i) => enrol(other.token, `crowd-${i}`)));
    expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([201]));
    app.clock.shift = 15 * 60 * 1000 + 1000;
    expect((await enrol(unknown, 'limited-again')).status).toBe(401);
  });

  it('is refused for a while after many failures of one network', async () => {
    await app.db.sql('delete from login_failures');
    await enrol(`efmse_${'y'.repeat(43)}`, 'network-1');
    await app.db.sql(`update login_failures set failures = 200 where kind = 'enrolment_address'`);
    const { body: good } = await newToken();
    const refused = await enrol(good.token, 'network-2');
    expect([refused.status, refused.body.type]).toEqual([429, '/problems/too-many-enrolments']);
    await app.db.sql('delete from login_failures');
    expect((await enrol(good.token, 'network-2')).status).toBe(201);
  });
});
