import { describe, expect, it } from '@jest/globals';
import { Writable } from 'node:stream';
import { type LoggerOptions, pino } from 'pino';
import { loggingOptions, requestIdOf } from './logging.js';

describe('requestIdOf', () => {
  it('keeps a harmless id and replaces any other', () => {
    expect(requestIdOf({ headers: { 'x-request-id': 'ci-42.a' } })).toBe('ci-42.a');
    for (const hostile of ['a\nb', 'x'.repeat(65), '', '<script>']) {
      expect(requestIdOf({ headers: { 'x-request-id': hostile } })).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('loggingOptions', () => {
  it('redacts credentials wherever they stand in a log object', () => {
    let lines = '';
    const sink = new Writable({
      write: (chunk: Buffer, _, done) => {
        lines += chunk.toString();
        done();
      },
    });
    const { redact } = loggingOptions('info').pinoHttp as LoggerOptions;
    const log = pino({ redact }, sink);
    log.info(
      { password: 'MARK1', login: { token: 'MARK2' }, request: { headers: { authorization: 'MARK3' } } },
      'login',
    );
    expect(lines).toContain('login');
    expect(lines).not.toMatch(/MARK\d/);
  });
});
