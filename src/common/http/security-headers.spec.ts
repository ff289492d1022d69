import { describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import { sendSecurityHeaders } from './security-headers.js';

describe('sendSecurityHeaders', () => {
  it.each(['/there', '/not-there'])('sends them with the answer to %s', async (path) => {
    const server = fastify();
    sendSecurityHeaders(server);
    server.get('/there', () => ({}));
    const { headers } = await server.inject(path);
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/default-src 'self';.*script-src 'self';/),
      'strict-transport-security': expect.stringContaining('max-age='),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
    });
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    await server.close();
  });
});
