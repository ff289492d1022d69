import { once } from 'node:events';
import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';

describe('API-004: the status says what happened', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    await efms.api('PUT', '/proxies/name:there', { nodeId: 'there' });
  });
  afterAll(() => efms.stop());

  const CASES: readonly [number, string, string, unknown?, Record<string, string>?][] = [
    [200, 'GET', '/proxies/name:there'],
    [201, 'POST', '/proxies', { name: 'new', nodeId: 'new' }],
    [204, 'DELETE', '/proxies/name:new', undefined, { 'if-match': '*' }],
    [400, 'GET', '/proxies?cursor=broken'],
    [401, 'GET', '/proxies', undefined, { authorization: 'Bearer nonsense' }],
    [404, 'GET', '/proxies/name:nowhere'],
    [405, 'DELETE', '/proxies'],
    [409, 'POST', '/proxies', { name: 'there', nodeId: 'other' }],
    [412, 'PATCH', '/proxies/name:there', { cluster: 'x' }, { 'if-match': '"99"' }],
    [415, 'POST', '/proxies', {}, { 'content-type': 'text/csv' }],
    [422, 'POST', '/proxies', { name: 'x', nodeId: 'x', colour: 'red' }],
    [428, 'DELETE', '/proxies/name:there'],
  ];

  it.each(CASES.map((row) => ({ row })))('$row.0 for $row.1 $row.2', async ({ row }) => {
    const [status, method, path, body, headers] = row;
    const answer = await efms.api(method, path, body, headers);
    expect(answer.status).toBe(status);
    if (status < 400) return;
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      status,
      type: expect.stringMatching(/^\/problems\/[a-z-]+$/),
      title: expect.any(String),
      instance: `/api/v1${path.split('?')[0]}`,
      requestId: answer.headers.get('x-request-id'),
    });
  });

  it.each([
    ['TRACE', '/me', 'GET, HEAD'],
    ['PUT', '/proxies/name:there/credentials?x=1', 'GET, HEAD, POST'],
    ['POST', '/proxies/name:there', 'DELETE, GET, HEAD, PATCH, PUT'],
  ])('405 for %s %s says in Allow what the address takes', async (method, path, allow) => {
    const { hostname, port } = new URL(efms.http);
    const request = http.request({ hostname, port, method, path: `/api/v1${path}` });
    const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
    request.end();
    const [response] = await answered;
    expect([response.statusCode, response.headers.allow]).toEqual([405, allow]);
    response.resume();
  });

  it('points into the body where it is wrong', async () => {
    const { body } = await efms.api('POST', '/proxies', { name: 'x', colour: 'red', adminPort: 0 });
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/colour', '/nodeId', '/adminPort']));
  });
});
