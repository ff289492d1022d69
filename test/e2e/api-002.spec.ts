import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';

describe('API-002: bodies are JSON', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const send = (contentType: string, body: string): Promise<Response> =>
    fetch(`${efms.http}/api/v1/proxies`, {
      method: 'POST',
      headers: { authorization: `Bearer ${efms.adminToken}`, 'content-type': contentType },
      body,
    });

  it('given JSON, answers JSON; problems are problem+json', async () => {
    const made = await send('application/json', '{"name": "j", "nodeId": "j"}');
    expect([made.status, made.headers.get('content-type')]).toEqual([201, 'application/json; charset=utf-8']);
    expect(await made.json()).toMatchObject({ name: 'j' });
    const refused = await send('application/json', '{"name": "j", "nodeId": "k"}');
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      409,
      expect.stringContaining('application/problem+json'),
    ]);
  });

  it('refuses what is not JSON, what is cut off, and what has one key twice', async () => {
    const unread = await send('text/plain', 'name=j');
    expect([unread.status, await unread.json()]).toEqual([
      415,
      expect.objectContaining({ detail: expect.stringContaining('application/json') }),
    ]);
    expect((await send('application/x-www-form-urlencoded', 'name=j')).status).toBe(415);
    expect((await send('application/json', '{"name": "k", ')).status).toBe(400);
    expect((await send('application/json', '{"name": "k", "name": "l", "nodeId": "k"}')).status).toBe(400);
    expect((await send('application/json', '[]')).status).toBe(422);
  });
});
