import { afterEach, beforeAll, afterAll, describe, expect, it } from '@jest/globals';
import { ADMIN, type Answer, TestApp } from './app.js';

const WINDOW_MS = 15 * 60 * 1000;

describe('failed logins', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());
  afterEach(async () => {
    app.clock.shift = 0;
    await app.db.sql('delete from login_failures');
  });

  const login = (email: string, password: string): Promise<Answer> =>
    app.call('POST', '/auth/login', { body: { email, password } });
  const wrong = async (email: string, times: number): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (let i = 0; i < times; i++) answers.push(await login(email, 'not the password'));
    return answers;
  };
  /** All that a client is told, but for what names the request. */
  const told = ({ status, body, headers }: Answer): unknown => {
    const { requestId: _, ...rest } = body;
    return [status, rest, Number(headers['retry-after'] ?? 0) > 0];
  };

  it('are refused after ten, the right password too, and an e-mail that nobody has is answered the same', async () => {
    const known = await wrong(ADMIN.email, 12);
    const unknown = await wrong('nobody@efms.local', 12);
    expect(known.map(({ status }) => status)).toEqual([...Array<number>(10).fill(401), 429, 429]);
    expect(known.map(told)).toEqual(unknown.map(told));
    const right = await login(ADMIN.email, ADMIN.password);
    expect(right.status).toBe(429);
    expect(Number(right.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(right.headers['retry-after'])).toBeLessThanOrEqual(WINDOW_MS / 1000);
    app.clock.shift = WINDOW_MS + 1000;
    expect((await login(ADMIN.email.toUpperCase(), ADMIN.password)).status).toBe(200);
  });

  it('give no more tries when a hundred come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => login('crowd@efms.local', 'guess')));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  it('are forgotten with a login that succeeds', async () => {
    for (let round = 0; round < 3; round++) {
      await wrong(ADMIN.email, 9);
      expect((await login(ADMIN.email, ADMIN.password)).status).toBe(200);
    }
  });

  it('are counted by address too, but only the failures', async () => {
    for (let i = 0; i < 3; i++) expect((await login(ADMIN.email, ADMIN.password)).status).toBe(200);
    await app.db.sql(`update login_failures set failures = 99 where kind = 'address'`);
    expect((await wrong('first@efms.local', 1))[0]!.status).toBe(401);
    expect((await wrong('second@efms.local', 1))[0]!.status).toBe(429);
    expect((await login(ADMIN.email, ADMIN.password)).status).toBe(429);
  });

  it('leave sessions that exist alone, and bound the guessing of the current password', async () => {
    const token = await app.login();
    const change = (currentPassword: string): Promise<Answer> =>
      app.call('PATCH', '/me/password', { token, body: { currentPassword, newPassword: 'another long password' } });
    for (let i = 0; i < 10; i++) expect((await change('wrong')).status).toBe(403);
    expect((await change('wrong')).status).toBe(429);
    expect((await app.call('GET', '/me', { token })).status).toBe(200);
  });

  it('keep no e-mail and no address, and no trace once the time is over', async () => {
    await wrong('secretive@efms.local', 1);
    const rows = await app.db.sql<{ subject_hash: Buffer }>('select subject_hash from login_failures');
    expect(rows.every(({ subject_hash }) => subject_hash.length === 32)).toBe(true);
    app.clock.shift = WINDOW_MS + 1000;
    await wrong('later@efms.local', 1);
    expect(await app.db.sql('select 1 from login_failures')).toHaveLength(2);
  });
});
