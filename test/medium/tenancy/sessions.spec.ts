import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DeniedAccessLog } from '../../../src/common/audit/denied-access.js';
import { ADMIN, TestApp } from './app.js';

const HOUR = 3_600_000;

describe('sessions', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  const login = async (): Promise<{ accessToken: string; refreshToken: string }> =>
    (await app.call('POST', '/auth/login', { body: ADMIN })).body;
  const refresh = (refreshToken: string) => app.call('POST', '/auth/refresh', { body: { refreshToken } });

  it('log in whatever the case of the e-mail', async () => {
    const answer = await app.call('POST', '/auth/login', { body: { ...ADMIN, email: 'ADMIN@efms.LOCAL' } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      accessToken: expect.any(String),
      expiresIn: 900,
      refreshToken: expect.stringMatching(/^efmsr_/),
    });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('answer an unknown e-mail, a wrong password and an inactive user alike', async () => {
    const { tenantId, login: inactive } = await app.addTenant('inactive');
    await app.db.sql('update users set is_active = false where tenant_id = $1', [tenantId]);
    const answers = await Promise.all([
      app.call('POST', '/auth/login', { body: { email: 'nobody@efms.local', password: 'x' } }),
      app.call('POST', '/auth/login', { body: { ...ADMIN, password: 'wrong' } }),
      app.call('POST', '/auth/login', { body: inactive }),
    ]);
    const [first, ...rest] = answers.map(({ status, body }) => ({ status, ...body, requestId: '' }));
    expect(first).toMatchObject({ status: 401, type: '/problems/login-failed' });
    for (const answer of rest) expect(answer).toEqual(first);
  });

  it('tell who is logged in', async () => {
    const { accessToken } = await login();
    const { status, body } = await app.call('GET', '/me', { token: accessToken });
    expect(status).toBe(200);
    expect(body).toEqual({
      principal: { kind: 'user', id: expect.any(String), name: ADMIN.email, email: ADMIN.email, platformAdmin: true },
      tenant: { id: expect.any(String), name: 'default' },
      role: 'admin',
      permissions: ['*:read', '*:write'],
    });
  });

  it('go on with each next refresh token', async () => {
    const first = await login();
    const second = await refresh(first.refreshToken);
    expect(second.status).toBe(200);
    expect((await refresh(second.body.refreshToken)).status).toBe(200);
  });

  it('end altogether when a refresh token comes twice', async () => {
    const first = await login();
    const second = await refresh(first.refreshToken);
    const reused = await refresh(first.refreshToken);
    expect(reused.status).toBe(401);
    expect(reused.body.type).toBe('/problems/session-ended');
    expect((await refresh(second.body.refreshToken)).status).toBe(401);
    const bystander = await login();
    expect((await refresh(bystander.refreshToken)).status).toBe(200);
  });

  it('let at most one of two simultaneous refreshes win, and then end', async () => {
    const { refreshToken } = await login();
    const answers = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    const winner = answers.find(({ status }) => status === 200)!;
    expect((await refresh(winner.body.refreshToken)).status).toBe(401);
  });

  it('end with logout, which an unknown token does not disturb', async () => {
    const { refreshToken } = await login();
    expect((await app.call('POST', '/auth/logout', { body: { refreshToken } })).status).toBe(204);
    expect((await refresh(refreshToken)).status).toBe(401);
    expect((await app.call('POST', '/auth/logout', { body: { refreshToken: 'efmsr_x' } })).status).toBe(204);
  });

  it('expire', async () => {
    const { accessToken, refreshToken } = await login();
    app.clock.shift = HOUR;
    expect((await app.call('GET', '/me', { token: accessToken })).status).toBe(401);
    app.clock.shift = 8 * 24 * HOUR;
    expect((await refresh(refreshToken)).status).toBe(401);
    await login();
    app.clock.shift = 0;
    const left = await app.db.sql(
      `select 1 from credential_index i left join refresh_tokens r on r.id = i.subject_id where i.kind = 'refresh_token' and r.id is null`,
    );
    expect(left).toEqual([]);
  });

  it('keep neither passwords nor refresh tokens', async () => {
    const { refreshToken } = await login();
    const [row] = await app.db.sql<{ dump: string }>(
      `select (select string_agg(u::text, ' ') from users u) || (select string_agg(r::text, ' ') from refresh_tokens r)
              || (select string_agg(a::text, ' ') from audit_logs a) as dump`,
    );
    expect(row!.dump).not.toContain(ADMIN.password);
    expect(row!.dump).not.toContain(refreshToken);
  });

  it('end when the password is changed, which needs the current one', async () => {
    const { login: user } = await app.addTenant('changing');
    const { body: session } = await app.call('POST', '/auth/login', { body: user });
    const change = (body: object) => app.call('PATCH', '/me/password', { token: session.accessToken, body });
    expect((await change({ currentPassword: 'wrong', newPassword: 'a much longer one' })).status).toBe(403);
    expect((await change({ currentPassword: user.password, newPassword: 'short' })).status).toBe(422);
    expect((await change({ currentPassword: user.password, newPassword: 'a much longer one' })).status).toBe(204);
    expect((await refresh(session.refreshToken)).status).toBe(401);
    expect((await app.call('POST', '/auth/login', { body: user })).status).toBe(401);
    expect((await app.call('POST', '/auth/login', { body: { ...user, password: 'a much longer one' } })).status).toBe(
      200,
    );
  });

  it('are in the audit log of their tenant', async () => {
    const { tenantId, login: user } = await app.addTenant('audited');
    await app.call('POST', '/auth/login', { body: user, headers: { 'user-agent': 'curl/8' } });
    const rows = await app.db.sql(
      `select actor_name, outcome, host(ip_address) as ip, user_agent from audit_logs where tenant_id = $1 and action = 'login'`,
      [tenantId],
    );
    expect(rows).toEqual([{ actor_name: user.email, outcome: 'success', ip: '127.0.0.1', user_agent: 'curl/8' }]);
  });

  it('refuse bodies with other fields', async () => {
    const { status, body } = await app.call('POST', '/auth/login', { body: { ...ADMIN, remember: true } });
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      { pointer: '/remember', rule: 'request.unknown-field', detail: expect.any(String), severity: 'error' },
    ]);
  });

  it('audit a refused login once, with its tenant where that is known', async () => {
    const { tenantId, login: user } = await app.addTenant('guessed');
    for (let i = 0; i < 3; i += 1) await app.call('POST', '/auth/login', { body: { ...user, password: `guess ${i}` } });
    const denied = app.nest.get(DeniedAccessLog);
    await denied.flush();
    const rows = await app.db.sql(
      `select action, outcome, sum((changes ->> 'count')::int)::int as count from audit_logs
        where tenant_id = $1 and outcome = 'denied' group by 1, 2`,
      [tenantId],
    );
    expect(rows).toEqual([{ action: 'login', outcome: 'denied', count: 3 }]);
  });
});
