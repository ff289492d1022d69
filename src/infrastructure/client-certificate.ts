import {
  CURVES,
  isIssuedBy,
  MIN_RSA_BITS,
  type ReadCertificate,
  readCertificate,
} from '../common/crypto/certificate.js';
import { readPem } from '../common/crypto/pem.js';
import { invalidAt } from './services/references.js';

/** What is known of the certificate that a proxy proves itself with. */
export interface ClientCertificate {
  /** SHA-256 of the whole certificate, in lower-case hexadecimal: that by which it is found again. */
  readonly fingerprintSha256: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A leaf and what leads to its root; longer ones are pasted by mistake. */
const MAX_CHAIN = 8;

/**
 * Reads the certificate of a client from PEM, in which the chain that it came with may follow. Who issued it does not matter, and no sentence
 * quotes the text.
 * @param now milliseconds since the epoch
 * @throws ProblemError 422 for a private key, for what is no certificate, and for one with which no Envoy could come
 */
export function readClientCertificate(text: string, now: number): ClientCertificate {
  const [leaf, ...chain] = certificatesIn(text);
  for (const [i, issuer] of chain.entries()) {
    if (isIssuedBy(i === 0 ? leaf : chain[i - 1], issuer)) continue;
    throw refusal(
      'certificate.chain',
      `certificate ${i + 2} did not sign certificate ${i + 1}: send the certificate of one client, alone or with its chain behind it`,
    );
  }
  const { facts } = leaf;
  if (facts.notAfter.getTime() <= now) {
    const day = facts.notAfter.toISOString().slice(0, 10);
    throw refusal('certificate.expired', `the certificate expired on ${day}; send one that is valid`);
  }
  requireUsableKey(leaf);
  const { fingerprintSha256, subject, issuer, serialNumber, notBefore, notAfter } = facts;
  return { fingerprintSha256, subject, issuer, serialNumber, notBefore, notAfter };
}

function certificatesIn(text: string): readonly [ReadCertificate, ...ReadCertificate[]] {
  const blocks = readPem(text);
  if (!blocks) {
    const detail =
      'certificate is not PEM that can be read; each block needs a BEGIN and an END line and base64 between';
    throw refusal('certificate.pem', detail);
  }
  if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) {
    const detail =
      'certificate holds a private key; send the certificate alone, and a new one, for this key has left its machine';
    throw refusal('certificate.private-key', detail);
  }
  if (blocks.some(({ label }) => label !== 'CERTIFICATE')) {
    throw refusal('certificate.pem', 'certificate holds PEM blocks that are no certificates; leave them out');
  }
  if (blocks.length > MAX_CHAIN) {
    throw refusal(
      'certificate.chain',
      `certificate holds ${blocks.length} certificates; at most ${MAX_CHAIN} are taken`,
    );
  }
  const [leaf, ...chain] = blocks.map(({ der }, i) => {
    try {
      return readCertificate(der);
    } catch {
      throw refusal('certificate.pem', `certificate ${i + 1} cannot be read; send it as it was issued`);
    }
  });
  if (leaf) return [leaf, ...chain];
  throw refusal(
    'certificate.pem',
    'certificate holds no certificate; send PEM that begins with -----BEGIN CERTIFICATE-----',
  );
}

/** What Envoy does not prove itself with is found out here, and not by a proxy that does not come. */
function requireUsableKey({ x509 }: ReadCertificate): void {
  const { kind, bits, curve } = keyOf(x509);
  if (kind === 'rsa' && bits >= MIN_RSA_BITS) return;
  if (kind === 'ec' && CURVES.includes(curve)) return;
  if (kind === 'rsa') {
    throw refusal('key.weak', `the key of the certificate has ${bits} bits; RSA keys need ${MIN_RSA_BITS} or more`);
  }
  throw refusal('key.kind', 'the key of the certificate is none that Envoy proves itself with; take RSA or P-256');
}

function keyOf(x509: ReadCertificate['x509']): {
  readonly kind?: string;
  readonly bits: number;
  readonly curve: string;
} {
  try {
    const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = x509.publicKey;
    return { ...(kind && { kind }), bits: details?.modulusLength ?? 0, curve: details?.namedCurve ?? '' };
  } catch {
    return { bits: 0, curve: '' };
  }
}

const refusal = (rule: string, detail: string): Error => invalidAt('/certificate', rule, detail);
