import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import net from 'node:net';
import { type Efms, startEfms } from '../kit/efms.js';

describe('bytes that are no HTTP request', () => {
  let efms: Efms;
  beforeAll(async () => {
    efms = await startEfms();
  });
  afterAll(() => efms.stop());

  /** Everything that the server answers to these bytes until it closes the connection. */
  const send = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const socket = net.connect(Number(new URL(efms.http).port), '127.0.0.1', () => socket.write(bytes, 'latin1'));
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
      socket.on('end', () => resolve(answer));
      socket.on('error', reject);
    });

  it.each([
    ['no request line', 'hello\r\n\r\n', 400],
    ['a control character in a header', 'GET /api/v1/me HTTP/1.1\r\nhost: x\r\nx-a: \u0001\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ])('are answered with a problem document: %s', async (_, bytes, status) => {
    const answer = await send(bytes);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('content-type: application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', status });
    expect((await efms.api('GET', '/me')).status).toBe(200);
  });
});
