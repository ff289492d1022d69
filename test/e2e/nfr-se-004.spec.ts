import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { type KeyPairFiles, TestCa } from '../kit/certificates.js';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne } from '../kit/fleet-of-one.js';
import { fetchText } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { Teardown } from '../kit/teardown.js';
import { connectTls, type TlsConnection } from '../kit/tls-client.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const GET = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n';
const OK = /^HTTP\/1\.1 200 /;
const HTTP2 = { ALPNProtocols: ['h2'] };

describe('NFR-SE-004: communication uses TLS 1.3', () => {
  const teardown = new Teardown();
  let database: TestDatabase;
  let ca: TestCa;
  let first: KeyPairFiles;
  let second: KeyPairFiles;
  let folder: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    ca = await TestCa.create();
    first = await ca.issue(['localhost', '127.0.0.1']);
    second = await ca.issue(['localhost', '127.0.0.1']);
    folder = mkdtempSync(path.join(os.tmpdir(), 'efms-tls-'));
    write('ca.pem', ca.pem);
  });
  afterEach(() => teardown.run());
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
  });

  const file = (name: string): string => path.join(folder, name);
  const write = (name: string, text: string): void => writeFileSync(file(name), text, { mode: 0o600 });
  const writePair = ({ certificate, key }: KeyPairFiles): void => {
    write('cert.pem', certificate);
    write('key.pem', key);
  };
  const tlsFiles = () => ({
    EFMS_TLS_CERT: file('cert.pem'),
    EFMS_TLS_KEY: file('key.pem'),
    EFMS_TLS_CA: file('ca.pem'),
  });
  /** The built EFMS as a process of its own. */
  const run = (env: Record<string, string>): EfmsProcess =>
    new EfmsProcess({
      DATABASE_URL: database.appUrl,
      DATABASE_SYSTEM_URL: database.systemUrl,
      EFMS_DATA_DIR: path.join(folder, 'data'),
      EFMS_HTTP_PORT: '0',
      EFMS_XDS_PORT: '0',
      EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
      EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
      EFMS_ADMIN_PASSWORD: 'correct-horse-battery',
      ...env,
    });

  describe('on ports with certificate files', () => {
    const start = async (): Promise<{ efms: EfmsProcess; http: number; xds: number }> => {
      writePair(first);
      const efms = teardown.add(run({ ...tlsFiles(), EFMS_XDS_TLS: 'files', EFMS_LOG_LEVEL: 'trace' }));
      return { efms, ...(await efms.ready()) };
    };
    const connect = async (port: number, options = {}): Promise<TlsConnection> =>
      teardown.add(await connectTls(port, ca.pem, options));

    it('answers TLS 1.3 and refuses TLS 1.2 and plaintext', async () => {
      const { efms, http, xds } = await start();

      const api = await connect(http);
      const ads = await connect(xds, HTTP2);

      expect([api.protocol, ads.protocol]).toEqual(['TLSv1.3', 'TLSv1.3']);
      expect(await api.ask(GET)).toMatch(OK);
      for (const port of [http, xds]) {
        await expect(connectTls(port, ca.pem, { maxVersion: 'TLSv1.2', ...HTTP2 })).rejects.toThrow('protocol version');
        await expect(fetchText({ port, path: '/health/live' })).rejects.toThrow();
      }
      expect(efms.output()).toContain(`https://127.0.0.1:${http}/api/v1`);
      expect(efms.output()).not.toContain('PRIVATE KEY');
    });

    it.each([
      ['at a SIGHUP', (efms: EfmsProcess) => efms.signal('SIGHUP')],
      ['without being told', () => undefined],
    ])('serves replaced files to new connections %s, and open ones go on', async (_, tell) => {
      const { efms, http, xds } = await start();
      const old = await connect(http);
      expect(old.fingerprint).toBe(fingerprintOf(first));

      writePair(second);
      tell(efms);

      for (const port of [http, xds]) {
        await eventually(`the second certificate on port ${port}`, async () => {
          const { fingerprint } = await connect(port, HTTP2_OR_HTTP);
          return fingerprint === fingerprintOf(second) ? true : undefined;
        });
      }
      expect(await old.ask(GET)).toMatch(OK);
    });

    it('keeps the certificate in use when the new files are wrong, and says why', async () => {
      const { efms, http } = await start();

      write('key.pem', second.key);
      efms.signal('SIGHUP');

      await eventually('the reason', () =>
        efms.output().includes('the key does not belong to the first certificate') ? true : undefined,
      );
      expect((await connect(http)).fingerprint).toBe(fingerprintOf(first));
    });
  });

  describe('on the xDS port', () => {
    it('has TLS by itself beyond loopback', async () => {
      const efms = teardown.add(run({ EFMS_XDS_HOST: '0.0.0.0' }));
      const { xds } = await efms.ready();
      const [row] = await database.sql<{ certificate: string }>('select certificate from ca_keys');

      const connection = teardown.add(await connectTls(xds, row!.certificate, HTTP2));

      expect(connection.protocol).toBe('TLSv1.3');
      expect(efms.output()).toMatch(/xDS {6}0\.0\.0\.0:\d+ {3}\(TLS, internal CA\)/);
      await expect(connectTls(xds, row!.certificate, { maxVersion: 'TLSv1.2', ...HTTP2 })).rejects.toThrow(
        'protocol version',
      );
      await expect(connectTls(xds, ca.pem, HTTP2)).rejects.toThrow('unable to verify');
    });

    it('is known by one CA on every replica', async () => {
      const env = { EFMS_XDS_TLS: 'internal', EFMS_XDS_PUBLIC_ADDRESS: 'localhost:18000' };
      const replicas = [
        teardown.add(await startEfms({ database, env, ports: { xds: await freePort() } })),
        teardown.add(await startEfms({ database, env, ports: { xds: await freePort() } })),
      ];
      const fleet = await FleetOfOne.register(replicas[0]!, 'pinned');

      const pinned = await Promise.all(replicas.map((replica) => pinnedCa(fleet.through(replica))));

      expect(pinned[0]).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
      expect(pinned[1]).toBe(pinned[0]);
      const seen = [];
      for (const { xdsPort } of replicas) seen.push(teardown.add(await connectTls(xdsPort, pinned[0]!, HTTP2)));
      expect(seen[0]!.fingerprint).not.toBe(seen[1]!.fingerprint);
    });
  });

  describe('refuses to start', () => {
    const reason = async (env: Record<string, string>): Promise<string> => {
      const efms = teardown.add(run({ EFMS_LOG_LEVEL: 'silent', ...env }));
      expect(await efms.exit).toBe(1);
      const lines = efms.output().trim().split('\n');
      expect(lines.at(-1)).not.toContain('PRIVATE');
      return lines.at(-1) ?? '';
    };

    it('in plaintext beyond loopback', async () => {
      expect(await reason({ EFMS_HTTP_HOST: '0.0.0.0' })).toMatch(
        'EFMS_HTTP_HOST: 0.0.0.0 is not a loopback address: give EFMS_TLS_CERT and EFMS_TLS_KEY, or allow plaintext with EFMS_ALLOW_PLAINTEXT=1',
      );
      expect(await reason({ EFMS_XDS_HOST: '0.0.0.0', EFMS_XDS_TLS: 'off' })).toMatch('needs EFMS_ALLOW_PLAINTEXT=1');
    });

    it('with a certificate that has expired', async () => {
      writePair(await ca.issue(['localhost'], [-10, -2]));
      expect(await reason(tlsFiles())).toMatch(/^efms: EFMS_TLS_CERT: the certificate expired on [\d-]{10}$/);
    });

    it('with a key of another certificate', async () => {
      writePair({ ...first, key: second.key });
      expect(await reason(tlsFiles())).toBe(
        'efms: EFMS_TLS_KEY: the key does not belong to the first certificate of EFMS_TLS_CERT',
      );
    });

    it('with a certificate that proxies could not connect with', async () => {
      writePair(first);
      const env = { ...tlsFiles(), EFMS_XDS_TLS: 'files' };
      expect(await reason({ ...env, EFMS_XDS_PUBLIC_ADDRESS: 'efms.example:18000' })).toMatch(
        /^efms: EFMS_TLS_CERT: the certificate is not for efms\.example, where proxies connect/,
      );
      expect(await reason({ ...env, EFMS_TLS_CA: '' })).toMatch(/^efms: EFMS_TLS_CERT: the file holds no CA/);
    });
  });
});

/** Both ports take it: HTTP ignores `h2` where it is not alone. */
const HTTP2_OR_HTTP = { ALPNProtocols: ['h2', 'http/1.1'] };

const fingerprintOf = ({ certificate }: KeyPairFiles): string => new X509Certificate(certificate).fingerprint256;

/** The CA in a bootstrap as EFMS renders it. */
async function pinnedCa(fleet: FleetOfOne): Promise<string> {
  const text = await fleet.bootstrap({ format: 'yaml', protocol: 'delta' });
  const document = parse(text) as {
    static_resources: {
      clusters: {
        transport_socket: {
          typed_config: { common_tls_context: { validation_context: { trusted_ca: { inline_string: string } } } };
        };
      }[];
    };
  };
  const socket = document.static_resources.clusters[0]!.transport_socket;
  return socket.typed_config.common_tls_context.validation_context.trusted_ca.inline_string;
}

/** The built server, seen from outside. */
class EfmsProcess {
  readonly exit: Promise<number | null>;
  private readonly child: ChildProcess;
  private printed = '';

  constructor(env: Record<string, string>) {
    this.child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.printed += chunk.toString()));
    }
    this.exit = new Promise((resolve) => this.child.once('close', resolve));
  }

  output(): string {
    return this.printed;
  }

  /** Both ports, once it serves. */
  async ready(): Promise<{ http: number; xds: number }> {
    return eventually('an EFMS that serves', () => {
      if (this.child.exitCode !== null) throw new Error(this.printed);
      const http = /^ {2}API {6}https?:\/\/[^/]+:(\d+)/m.exec(this.printed)?.[1];
      const xds = /^ {2}xDS {6}\S+:(\d+)/m.exec(this.printed)?.[1];
      return http && xds ? { http: Number(http), xds: Number(xds) } : undefined;
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    await this.exit;
  }
}
