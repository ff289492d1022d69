// Asked for by @peculiar/x509, before it.
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { SubjectAlternativeNameExtension, X509Certificate as ParsedCertificate } from '@peculiar/x509';
import { writePem } from './pem.js';

/** What a certificate says, as it is kept and shown. */
export interface CertificateFacts {
  readonly pem: string;
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the whole certificate, in lower-case hexadecimal. */
  readonly fingerprintSha256: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** A certificate with what the checks of the chain need. */
export interface ReadCertificate {
  readonly facts: CertificateFacts;
  readonly x509: X509Certificate;
  readonly signatureAlgorithm: string;
}

/** What certificates of RSA are refused below. */
export const MIN_RSA_BITS = 2048;

/** The curves that Envoy has keys on. */
export const CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];

/** Reads a certificate. Throws where that cannot be done; what it says of it is for nobody. */
export function readCertificate(der: Buffer): ReadCertificate {
  const x509 = new X509Certificate(der);
  // Trailing bytes would make two texts of one certificate.
  if (!x509.raw.equals(der)) throw new Error('bytes follow the certificate');
  const [notBefore, notAfter] = [new Date(x509.validFrom), new Date(x509.validTo)];
  if (Number.isNaN(notBefore.getTime() + notAfter.getTime())) throw new Error('a date cannot be read');
  const parsed = new ParsedCertificate(der);
  const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const ofType = (type: string): string[] =>
    names.flatMap((name) => (name.type === type && isPlain(name.value) ? [name.value] : []));
  return {
    facts: {
      pem: writePem('CERTIFICATE', der),
      subject: oneLine(x509.subject),
      issuer: oneLine(x509.issuer),
      serialNumber: x509.serialNumber.toLowerCase(),
      notBefore,
      notAfter,
      fingerprintSha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      dnsNames: ofType('dns'),
      ipAddresses: ofType('ip'),
      uris: ofType('url'),
    },
    x509,
    signatureAlgorithm: JSON.stringify(parsed.signatureAlgorithm),
  };
}

export function isIssuedBy(certificate: ReadCertificate | undefined, issuer: ReadCertificate | undefined): boolean {
  if (!certificate || !issuer) return false;
  try {
    return certificate.x509.checkIssued(issuer.x509) && certificate.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/** PostgreSQL stores neither NUL nor broken Unicode; a name with them names nothing. */
const isPlain = (text: string): boolean => text.isWellFormed() && !text.includes('\0') && text.length <= 1024;

/** Of a name that is empty, as where the names are in the extension alone, Node says nothing. */
const oneLine = (name: string | undefined): string =>
  (name ?? '').replaceAll('\n', ', ').replaceAll('\0', '').toWellFormed();
