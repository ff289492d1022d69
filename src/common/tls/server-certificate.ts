import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** What a TLS port proves itself with. */
export interface ServerCertificate {
  /** PEM: the certificate of the server, then those that lead to its CA. */
  readonly chain: string;
  /** PEM, not encrypted. Never logged. */
  readonly key: string;
  /** PEM: the CAs that a client can trust it by; absent where the chain ends before one and none was named. */
  readonly authorities?: string;
}

/** The content of the files that `EFMS_TLS_CERT`, `EFMS_TLS_KEY` and `EFMS_TLS_CA` name. */
export interface CertificateTexts {
  readonly certificate: string;
  readonly key: string;
  readonly authority?: string;
}

/** TLS cannot be had as configured; the message is one sentence for the operator and never holds a key. */
export class TlsRefused extends Error {
  override readonly name = 'TlsRefused';
}

/** How long a peer may take for its handshake. Node gives it two minutes, in which sockets that say nothing can use up all that there are. */
export const HANDSHAKE_MS = 10_000;

/** TLS 1.3 (RFC 8446) and nothing older. */
export function secureContext({ chain, key }: Pick<ServerCertificate, 'chain' | 'key'>): SecureContextOptions {
  return { cert: chain, key, minVersion: 'TLSv1.3' };
}

/**
 * Checks that certificate and key belong together and can serve now.
 * @param now milliseconds since the epoch
 * @throws TlsRefused
 */
export function checkCertificate(texts: CertificateTexts, now: number): ServerCertificate {
  const chain = certificatesIn('EFMS_TLS_CERT', texts.certificate);
  const [leaf] = chain;
  requireValidAt(leaf, now);
  const key = privateKeyIn(texts.key);
  if (!leaf.checkPrivateKey(key)) {
    throw new TlsRefused('EFMS_TLS_KEY: the key does not belong to the first certificate of EFMS_TLS_CERT');
  }
  const certificate = { chain: pem(chain), key: texts.key };
  try {
    createSecureContext(secureContext(certificate));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TlsRefused(`EFMS_TLS_CERT: not usable for TLS 1.3 (${reason})`, { cause: error });
  }
  const authorities = authoritiesOf(chain, texts.authority);
  return authorities.length === 0 ? certificate : { ...certificate, authorities: pem(authorities) };
}

/** Whether a client that connects to the host or address will take the first certificate of the chain for it. */
export function isCertificateFor({ chain }: Pick<ServerCertificate, 'chain'>, host: string): boolean {
  const leaf = new X509Certificate(chain);
  const match = isIP(host) === 0 ? leaf.checkHost(host, { subject: 'never' }) : leaf.checkIP(host);
  return match !== undefined;
}

function certificatesIn(setting: string, text: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first) return [first, ...others];
  } catch (error) {
    throw new TlsRefused(`${setting}: the file holds a PEM certificate that cannot be read`, { cause: error });
  }
  throw new TlsRefused(`${setting}: the file holds no PEM certificate`);
}

function privateKeyIn(text: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    // Without the cause: what a parser says of a key may hold parts of it.
    throw new TlsRefused('EFMS_TLS_KEY: the file holds no PEM private key, or an encrypted one');
  }
}

function requireValidAt({ validFrom, validTo }: X509Certificate, now: number): void {
  if (now > Date.parse(validTo)) throw new TlsRefused(`EFMS_TLS_CERT: the certificate expired on ${day(validTo)}`);
  if (now < Date.parse(validFrom)) {
    throw new TlsRefused(`EFMS_TLS_CERT: the certificate is not valid before ${day(validFrom)}`);
  }
}

/** The CAs named, or those that the chain brings along; a certificate that signed itself is its own. */
function authoritiesOf(chain: readonly X509Certificate[], named: string | undefined): readonly X509Certificate[] {
  if (named === undefined)
    return chain.filter((certificate, i) => (i > 0 && certificate.ca) || isIssuer(certificate, certificate));
  const authorities = certificatesIn('EFMS_TLS_CA', named);
  if (chain.some((certificate) => authorities.some((authority) => isIssuer(authority, certificate))))
    return authorities;
  throw new TlsRefused('EFMS_TLS_CA: none of its certificates issued the chain in EFMS_TLS_CERT');
}

const isIssuer = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

const day = (date: string): string => new Date(date).toISOString().slice(0, 10);

const pem = (certificates: readonly X509Certificate[]): string => certificates.map(String).join('');
