import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';

describe('API-002: bodies are JSON', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  const send = (contentType: string, body: string | Uint8Array<ArrayBuffer>, headers = {}): Promise<Response> =>
    fetch(`${efms.http}/api/v1/proxies`, {
      method: 'POST',
      headers: { authorization: `Bearer ${efms.adminToken}`, 'content-type': contentType, ...headers },
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

  it.each(['gzip', 'br', 'identity, gzip', 'X-OWN'])(
    'refuses a body encoded by %s, and says to send it plain',
    async (coding) => {
      const body = Uint8Array.from(gzipSync('{"name": "z", "nodeId": "z"}'));
      const refused = await send('application/json', body, { 'content-encoding': coding });
      expect([refused.status, refused.headers.get('accept-encoding')]).toEqual([415, 'identity']);
      expect(await refused.json()).toMatchObject({
        type: '/problems/unsupported-content-encoding',
        detail: expect.stringContaining('without Content-Encoding'),
      });
      expect((await efms.api('GET', '/proxies/name:z')).status).toBe(404);
    },
  );

  it('reads a body whose encoding is none, and minds no encoding where there is no body', async () => {
    const body = '{"name": "plain", "nodeId": "plain"}';
    expect((await send('application/json', body, { 'content-encoding': 'Identity' })).status).toBe(201);
    const read = await efms.api('GET', '/proxies/name:plain', undefined, { 'content-encoding': 'gzip' });
    expect(read.status).toBe(200);
  });
});
