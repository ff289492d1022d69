import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { describe, expect, it } from '@jest/globals';
import { readCertificate } from './certificate.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function selfSigned(name: string): Promise<Buffer> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://example/edge-1' }])],
  });
  return Buffer.from(certificate.rawData);
}

describe('readCertificate', () => {
  it.each([
    ['CN=edge-1, O=Example', 'CN=edge-1, O=Example'],
    ['', ''],
  ])('reads one of "%s"', async (name, subject) => {
    const { facts } = readCertificate(await selfSigned(name));
    expect(facts).toMatchObject({ subject, issuer: subject, uris: ['spiffe://example/edge-1'] });
    expect(facts.fingerprintSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('takes no certificate with something behind it', async () => {
    const der = await selfSigned('CN=edge-1');
    expect(() => readCertificate(Buffer.concat([der, Buffer.alloc(1)]))).toThrow();
    expect(() => readCertificate(Buffer.from('garbage'))).toThrow();
  });
});
