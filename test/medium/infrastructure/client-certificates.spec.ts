import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ProxyCredentials } from '../../../src/infrastructure/index.js';
import { type KeyPairFiles, TestCa } from '../../kit/certificates.js';
import { TestApp } from '../tenancy/app.js';

const DAY_MS = 24 * 3_600_000;

describe('client certificates of proxies', () => {
  const tls: { proxiesTrust: string | undefined } = { proxiesTrust: 'PEM\n' };
  let app: TestApp;
  let token: string;
  let ca: TestCa;
  let credentials: ProxyCredentials;
  let proxy: { id: string; tenantId: string };

  beforeAll(async () => {
    app = await TestApp.start({ tls });
    token = await app.login();
    ca = await TestCa.create();
    credentials = app.nest.get(ProxyCredentials);
    const { body } = await app.call('PUT', '/proxies/name:edge-1', { token, body: { nodeId: 'node-1' } });
    const { body: me } = await app.call('GET', '/me', { token });
    proxy = { id: body.id, tenantId: me.tenant.id };
  });
  afterEach(() => {
    tls.proxiesTrust = 'PEM\n';
  });
  afterAll(() => app.stop());

  const issued = (days?: readonly [number, number]): Promise<KeyPairFiles> => ca.issue(['edge-1'], days);
  const register = (body: object, as = token) =>
    app.call('POST', '/proxies/name:edge-1/credentials', { token: as, body });
  const found = (pem: string) => credentials.authenticateCertificate(new X509Certificate(pem).raw);

  it('are registered by themselves, and their bootstrap has no token', async () => {
    const { certificate } = await issued();
    const { status, body, headers } = await register({ name: 'issued by our CA', certificate });
    const x509 = new X509Certificate(certificate);
    const notAfter = new Date(x509.validTo).toISOString();
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
    expect(body).toMatchObject({
      kind: 'certificate',
      name: 'issued by our CA',
      token: null,
      expiresAt: notAfter,
      certificate: {
        fingerprintSha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
        subject: 'CN=server',
        issuer: 'CN=Test CA',
        serialNumber: x509.serialNumber.toLowerCase(),
        notBefore: new Date(x509.validFrom).toISOString(),
        notAfter,
      },
    });
    expect(body.bootstrap).not.toMatch(/initial_metadata|Bearer/);
    expect(parse(body.bootstrap)).toMatchObject({
      static_resources: { clusters: [{ transport_socket: filesOf('/etc/envoy/efms/client') }] },
    });
    const { bootstrap: _, startCommand: __, token: ___, ...shown } = body;
    const list = await app.call('GET', '/proxies/name:edge-1/credentials', { token });
    expect(list.body.items).toContainEqual(shown);
    expect((await app.call('GET', `/proxies/name:edge-1/credentials/${body.id}`, { token })).body).toEqual(shown);
  });

  it('lead to their proxy, whatever the tenant, until they are revoked', async () => {
    const { certificate } = await issued([1, 5]);
    const { body } = await register({ certificate });
    expect(await found(certificate)).toMatchObject({
      tenantId: proxy.tenantId,
      proxyId: proxy.id,
      nodeId: 'node-1',
      credentialId: body.id,
      notBefore: new Date(body.certificate.notBefore),
      expiresAt: new Date(body.certificate.notAfter),
      revokedAt: null,
    });
    expect(await found((await issued()).certificate)).toBeUndefined();
    await app.call('DELETE', `/proxies/name:edge-1/credentials/${body.id}`, { token });
    expect(await found(certificate)).toMatchObject({ credentialId: body.id, revokedAt: expect.any(Date) });
  });

  it('end with what was asked for, and with themselves at the latest', async () => {
    const in3Days = new Date(Date.now() + 3 * DAY_MS).toISOString();
    const sooner = await register({ certificate: (await issued()).certificate, expiresAt: in3Days });
    expect(sooner.body.expiresAt).toBe(in3Days);
    const later = await register({ certificate: (await issued()).certificate, expiresAt: '2990-01-01T00:00:00Z' });
    expect(later.body.expiresAt).toBe(later.body.certificate.notAfter);
  });

  it('need no CA, and may bring along the chain that they came with', async () => {
    const selfSigned = (await TestCa.create('CN=edge-1')).pem;
    expect((await register({ certificate: selfSigned })).body.certificate).toMatchObject({ issuer: 'CN=edge-1' });
    const below = await ca.below();
    const { certificate } = await below.issue(['edge-1']);
    const { body } = await register({ certificate: `for edge-1\n${certificate}${below.pem}${ca.pem}` });
    expect(body.certificate).toMatchObject({ subject: 'CN=server', issuer: 'CN=Intermediate CA' });
  });

  describe('are refused', () => {
    const rsa = {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    };

    it.each<[string, string, () => Promise<string>]>([
      ['with their key', 'certificate.private-key', async () => Object.values(await issued()).join('')],
      ['as a key alone', 'certificate.private-key', async () => (await issued()).key],
      ['as what is no PEM', 'certificate.pem', () => Promise.resolve('-----BEGIN CERTIFICATE-----\n???')],
      ['as nothing', 'certificate.pem', () => Promise.resolve('')],
      ['as what is no certificate', 'certificate.pem', () => Promise.resolve(pem('CERTIFICATE', 'garbage'))],
      ['as a request for one', 'certificate.pem', () => Promise.resolve(pem('CERTIFICATE REQUEST', 'garbage'))],
      ['two at once', 'certificate.chain', async () => (await issued()).certificate + (await issued()).certificate],
      ['behind their CA', 'certificate.chain', async () => ca.pem + (await issued()).certificate],
      ['when they have ended', 'certificate.expired', async () => (await issued([-5, -1])).certificate],
      ['with a short key', 'key.weak', async () => (await ca.issue(['edge-1'], [-1, 1], rsa)).certificate],
    ])('%s', async (_, rule, make) => {
      const certificate = await make();
      const { status, body, text } = await register({ certificate });
      expect([status, body.errors]).toMatchObject([422, [{ pointer: '/certificate', rule }]]);
      for (const line of certificate.split('\n').filter((l) => l.length > 20 && !l.startsWith('-'))) {
        expect(text).not.toContain(line);
      }
    });

    it('where they are somebody’s, of which nothing more is told', async () => {
      const { certificate } = await issued();
      const { body: first } = await register({ certificate });
      const twice = await register({ certificate });
      expect([twice.status, twice.body.type]).toEqual([409, '/problems/certificate-taken']);

      const other = await app.login((await app.addTenant('elsewhere')).login);
      await app.call('PUT', '/proxies/name:edge-1', { token: other, body: { nodeId: 'node-1' } });
      const elsewhere = await register({ certificate }, other);
      expect([elsewhere.status, elsewhere.body.detail]).toEqual([409, twice.body.detail]);

      await app.call('DELETE', `/proxies/name:edge-1/credentials/${first.id}`, { token });
      expect((await register({ certificate })).status).toBe(409);
    });

    it('where the xDS port has no TLS', async () => {
      tls.proxiesTrust = undefined;
      const { certificate } = await issued();
      for (const answer of [
        await register({ certificate }),
        await app.call('GET', '/proxies/name:edge-1/bootstrap?credential=certificate', { token }),
      ]) {
        expect([answer.status, answer.body.type]).toEqual([409, '/problems/certificates-need-tls']);
      }
      expect((await register({})).status).toBe(201);
    });
  });

  it('are followed by the next one, not rotated', async () => {
    const [one, next] = [await issued(), await issued()];
    const { body } = await register({ certificate: one.certificate });
    const path = `/proxies/name:edge-1/credentials/${body.id}/rotate`;
    const rotated = await app.call('POST', path, { token, body: {} });
    expect([rotated.status, rotated.body.type]).toEqual([409, '/problems/certificate-not-rotated']);
    await register({ certificate: next.certificate });
    for (const { certificate } of [one, next]) {
      expect(await found(certificate)).toMatchObject({ proxyId: proxy.id, revokedAt: null });
    }
  });

  it('leave no trace of a proxy that is deleted', async () => {
    await app.call('PUT', '/proxies/name:edge-2', { token, body: { nodeId: 'node-2' } });
    const { certificate } = await issued();
    await app.call('POST', '/proxies/name:edge-2/credentials', { token, body: { certificate } });
    expect(await found(certificate)).toMatchObject({ nodeId: 'node-2' });
    await app.call('DELETE', '/proxies/name:edge-2', { token, headers: { 'if-match': '*' } });
    expect(await found(certificate)).toBeUndefined();
  });

  it('stand in a bootstrap as the files where the proxy has them', async () => {
    const bootstrap = (query: string) =>
      app.call('GET', `/proxies/name:edge-1/bootstrap?format=json${query}`, { token });
    const told = await bootstrap('&credential=certificate&certificateFile=/tls/edge.crt&keyFile=/tls/edge.key');
    expect(told.body).toMatchObject({ static_resources: { clusters: [{ transport_socket: filesOf('/tls/edge') }] } });
    expect(told.text).not.toContain('EFMS_TOKEN');
    expect((await bootstrap('&credential=token')).text).toContain('EFMS_TOKEN');
    for (const [query, pointer] of [
      ['&credential=password', '/credential'],
      ['&credential=certificate&keyFile=edge.key', '/keyFile'],
      ['&credential=certificate&certificateFile=/a%0Ab', '/certificateFile'],
      ['&certificateFile=/tls/edge.crt', '/certificateFile'],
      ['&credential=token&keyFile=/tls/edge.key', '/keyFile'],
    ] as const) {
      const { status, body } = await bootstrap(query);
      expect([status, body.errors[0].pointer]).toEqual([422, pointer]);
    }
  });
});

const pem = (label: string, text: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(text).toString('base64')}\n-----END ${label}-----\n`;

/** The part of a transport socket that names a certificate and its key. */
const filesOf = (path: string): object => ({
  typed_config: {
    common_tls_context: {
      tls_certificates: [{ certificate_chain: { filename: `${path}.crt` }, private_key: { filename: `${path}.key` } }],
    },
  },
});
