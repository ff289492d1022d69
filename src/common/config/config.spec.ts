import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ConfigError, isLoopback, loadConfig } from './config.js';

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

const TLS = { EFMS_TLS_CERT: '/tls/cert.pem', EFMS_TLS_KEY: '/tls/key.pem' };

describe('loadConfig', () => {
  it('needs no variable at all', () => {
    const config = loadConfig({});
    expect(config.http).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(config.xds.publicAddress).toEqual({ host: '127.0.0.1', port: 18000 });
    expect(config.database).toBeUndefined();
    expect(config.admin).toEqual({ email: 'admin@efms.local' });
  });

  it('names every problem at once', () => {
    const problems = problemsOf({
      EFMS_HTTP_PORT: '80x',
      EFMS_LOG_LEVEL: 'loud',
      EFMS_XDS_PUBLIC_ADDRESS: 'nowhere',
      EFMS_HTTP_PROT: '1',
      EFMS_MASTER_KEY: 'short',
      EFMS_ADMIN_PASSWORD: 'short',
    });
    for (const name of [
      'EFMS_HTTP_PORT',
      'EFMS_LOG_LEVEL',
      'EFMS_XDS_PUBLIC_ADDRESS',
      'EFMS_HTTP_PROT',
      'EFMS_MASTER_KEY',
      'EFMS_ADMIN_PASSWORD',
    ]) {
      expect(problems.some((problem) => problem.startsWith(`${name}:`))).toBe(true);
    }
    expect(problems).toHaveLength(6);
  });

  it('takes limits of the xDS server, each within bounds', () => {
    const { limits, streamAge, drainTime } = loadConfig({}).xds;
    expect(limits).toEqual({ streams: 25_000, connections: 30_000, waitingStreams: 2_000, loopDelay: 1_000 });
    expect([streamAge, drainTime]).toEqual([3_600_000, 15_000]);
    expect(loadConfig({ EFMS_XDS_MAX_STREAMS: '100' }).xds.limits).toMatchObject({ streams: 100, connections: 5_100 });
    expect(loadConfig({ EFMS_XDS_STREAM_AGE_MS: '0', EFMS_XDS_DRAIN_MS: '0' }).xds).toMatchObject({
      streamAge: 0,
      drainTime: 0,
    });
    const problems = problemsOf({
      EFMS_XDS_MAX_STREAMS: '0',
      EFMS_XDS_MAX_CONNECTIONS: '-1',
      EFMS_XDS_MAX_WAITING_STREAMS: '0',
      EFMS_XDS_MAX_LOOP_DELAY_MS: '9',
      EFMS_XDS_STREAM_AGE_MS: '4999',
      EFMS_XDS_DRAIN_MS: '600001',
    });
    expect(problems).toHaveLength(6);
    expect(problems).toContain('EFMS_XDS_STREAM_AGE_MS: expected 0, for never, or at least 5000');
  });

  it('refuses plaintext HTTP beyond loopback unless it is asked for', () => {
    const beyond = { EFMS_HTTP_HOST: '0.0.0.0' };
    expect(problemsOf(beyond)).toEqual([
      'EFMS_HTTP_HOST: 0.0.0.0 is not a loopback address: give EFMS_TLS_CERT and EFMS_TLS_KEY, or allow plaintext with EFMS_ALLOW_PLAINTEXT=1',
    ]);
    expect(loadConfig({ ...beyond, EFMS_ALLOW_PLAINTEXT: '1' }).http.host).toBe('0.0.0.0');
    expect(loadConfig({ ...beyond, ...TLS }).tlsFiles).toEqual({ certificate: '/tls/cert.pem', key: '/tls/key.pem' });
  });

  it.each([
    ['plaintext on loopback', {}, 'off'],
    ['plaintext on loopback with files too', TLS, 'off'],
    ['the internal CA elsewhere', { EFMS_XDS_HOST: '10.0.0.1' }, 'internal'],
    ['the files elsewhere', { EFMS_XDS_HOST: '10.0.0.1', ...TLS }, 'files'],
    ['plaintext elsewhere if allowed', { EFMS_XDS_HOST: '10.0.0.1', EFMS_ALLOW_PLAINTEXT: '1' }, 'off'],
    ['the internal CA if told', { EFMS_XDS_HOST: '10.0.0.1', EFMS_XDS_TLS: 'internal', ...TLS }, 'internal'],
    ['TLS on loopback if told', { EFMS_XDS_TLS: 'internal' }, 'internal'],
    ['TLS if told, whatever is allowed', { EFMS_XDS_TLS: 'internal', EFMS_ALLOW_PLAINTEXT: '1' }, 'internal'],
  ])('protects xDS by %s', (_, env, tls) => {
    expect(loadConfig(env).xds.tls).toBe(tls);
  });

  it.each([
    [{ EFMS_XDS_HOST: '::', EFMS_XDS_TLS: 'off' }, /^EFMS_XDS_TLS: off, but EFMS_XDS_HOST :: is not a loopback/],
    [{ EFMS_XDS_TLS: 'files' }, /^EFMS_XDS_TLS: files needs EFMS_TLS_CERT/],
    [{ EFMS_TLS_CERT: '/tls/cert.pem' }, /^EFMS_TLS_KEY: needed beside EFMS_TLS_CERT/],
    [{ EFMS_TLS_KEY: '/tls/key.pem' }, /^EFMS_TLS_CERT: needed beside EFMS_TLS_KEY/],
    [{ EFMS_TLS_CA: '/tls/ca.pem' }, /^EFMS_TLS_CA: needs EFMS_TLS_CERT/],
  ])('refuses %j', (env, problem) => {
    expect(problemsOf(env as Record<string, string>)).toEqual([expect.stringMatching(problem)]);
  });

  it('demands both database roles and the keys with an external database', () => {
    const problems = problemsOf({ DATABASE_URL: 'postgresql://a:b@127.0.0.1/efms' });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'DATABASE_SYSTEM_URL',
      'EFMS_JWT_SECRET',
      'EFMS_MASTER_KEY',
    ]);
    expect(problemsOf({ DATABASE_URL: 'mysql://x' })[0]).toMatch(/^DATABASE_URL: expected a URL like postgresql/);
  });

  it('reads secrets from files and never from both places', () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'efms-config-'));
    const file = path.join(dir, 'password');
    writeFileSync(file, 'a-long-password\n');
    try {
      expect(loadConfig({ EFMS_ADMIN_PASSWORD_FILE: file }).admin.password).toBe('a-long-password');
      expect(problemsOf({ EFMS_ADMIN_PASSWORD_FILE: file, EFMS_ADMIN_PASSWORD: 'a-long-password' })).toEqual([
        'give EFMS_ADMIN_PASSWORD or EFMS_ADMIN_PASSWORD_FILE, not both',
      ]);
      expect(problemsOf({ EFMS_ADMIN_PASSWORD_FILE: path.join(dir, 'none') })[0]).toMatch(
        /^EFMS_ADMIN_PASSWORD_FILE: cannot read/,
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('reads an IPv6 public address', () => {
    expect(loadConfig({ EFMS_XDS_PUBLIC_ADDRESS: '[::1]:18443' }).xds.publicAddress).toEqual({
      host: '::1',
      port: 18443,
    });
  });

  it.each([
    ['[2001:DB8:0:0::1]:1', '2001:db8::1'],
    ['EFMS.example:1', 'efms.example'],
    ['10.0.0.1:1', '10.0.0.1'],
  ])('knows %s by the name that certificates know it by', (address, host) => {
    expect(loadConfig({ EFMS_XDS_PUBLIC_ADDRESS: address }).xds.publicAddress.host).toBe(host);
  });
});

describe('isLoopback', () => {
  it('knows the addresses that stay on the machine', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '10.0.0.1', '::', 'example.org', '127.evil.org'].some(isLoopback)).toBe(false);
  });
});
