import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
type Algorithm = webcrypto.RsaHashedKeyGenParams | (webcrypto.EcKeyGenParams & { hash: string });

const DAY_MS = 24 * 60 * 60 * 1000;

/** Certificate and key as an operator has them in files, PEM. */
export interface KeyPairFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority as an operator has one. */
export class TestCa {
  private constructor(
    private readonly certificate: X509Certificate,
    private readonly keys: webcrypto.CryptoKeyPair,
  ) {}

  static async create(name = 'CN=Test CA'): Promise<TestCa> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name,
      notBefore: new Date(Date.now() - 30 * DAY_MS),
      notAfter: new Date(Date.now() + 30 * DAY_MS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestCa(certificate, keys);
  }

  get pem(): string {
    return `${this.certificate.toString('pem')}\n`;
  }

  /** A CA whose certificate this one signs. */
  async below(name = 'CN=Intermediate CA'): Promise<TestCa> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: name,
      issuer: this.certificate.subject,
      notBefore: new Date(Date.now() - 30 * DAY_MS),
      notAfter: new Date(Date.now() + 30 * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestCa(certificate, keys);
  }

  /** @param days first and last day of validity, counted from now */
  async issue(
    hosts: readonly string[],
    days: readonly [number, number] = [-1, 10],
    algorithm: Algorithm = ALGORITHM,
  ): Promise<KeyPairFiles> {
    const keys = await newKeys(algorithm);
    const certificate = await X509CertificateGenerator.create({
      subject: 'CN=server',
      issuer: this.certificate.subject,
      notBefore: new Date(Date.now() + days[0] * DAY_MS),
      notAfter: new Date(Date.now() + days[1] * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
      ],
    });
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return {
      certificate: `${certificate.toString('pem')}\n`,
      key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    };
  }
}

const newKeys = (algorithm: Algorithm = ALGORITHM): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
