import { createPrivateKey, type KeyObject } from 'node:crypto';
import {
  CURVES,
  isIssuedBy,
  MIN_RSA_BITS,
  type ReadCertificate,
  readCertificate,
} from '../../common/crypto/certificate.js';
import { type PemBlock, readPem } from '../../common/crypto/pem.js';
import type { ContentFindings } from './content-findings.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRES_SOON_DAYS = 30;
/** Generous: the largest keys in use have a quarter of it. */
const MAX_KEY_BYTES = 16 * 1024;
const KEY_TYPES: Readonly<Record<string, 'pkcs8' | 'pkcs1' | 'sec1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
};

/**
 * The certificates of a PEM text in their order. No sentence of a finding quotes the text.
 * @param most more than these are refused
 */
export function readCertificates(
  text: string,
  pointer: string,
  { findings, most }: { readonly findings: ContentFindings; readonly most: number },
): readonly ReadCertificate[] {
  const refuse = (detail: string): [] => {
    findings.error(pointer, 'certificate.pem', `${fieldOf(pointer)} ${detail}`);
    return [];
  };
  const blocks = readPem(text);
  if (!blocks)
    return refuse('is not PEM that can be read; each block needs a BEGIN and an END line and base64 between');
  if (blocks.some(isPrivateKey)) return refuse('holds a private key; put that into privateKey of a tlsCertificate');
  if (blocks.length === 0) return refuse('holds no certificate; give PEM that begins with -----BEGIN CERTIFICATE-----');
  if (blocks.some(({ label }) => label !== 'CERTIFICATE')) {
    return refuse('holds PEM blocks that are no certificates; leave them out');
  }
  if (blocks.length > most) return refuse(`holds ${blocks.length} certificates; at most ${most} are taken`);
  return blocks.flatMap(({ der }, i) => {
    try {
      return [readCertificate(der)];
    } catch {
      return refuse(`has a certificate that cannot be read, number ${i + 1}`);
    }
  });
}

/**
 * Checks that each certificate is signed by the next, and the first one for itself: key, dates, names.
 * @param now milliseconds since the epoch
 */
export function checkChain(
  chain: readonly ReadCertificate[],
  pointer: string,
  { findings, now }: { readonly findings: ContentFindings; readonly now: number },
): void {
  const [leaf] = chain;
  if (!leaf) return;
  const broken = chain.findIndex((certificate, i) => i + 1 < chain.length && !isIssuedBy(certificate, chain[i + 1]));
  if (broken >= 0) {
    const isElsewhere = chain.some((other, i) => i !== broken && isIssuedBy(chain[broken], other));
    const advice = isElsewhere
      ? 'its issuer stands elsewhere in the chain; put the certificates in order, the server’s own first'
      : 'put the server’s own certificate first and behind each one that of its issuer, and leave out others';
    const detail = `certificate ${broken + 2} did not sign certificate ${broken + 1}: ${advice}`;
    findings.error(pointer, 'certificate.chain', detail);
  }
  checkDates(chain, pointer, { findings, now });
  checkStrength(leaf, pointer, findings);
  const { dnsNames, ipAddresses, uris } = leaf.facts;
  if (dnsNames.length + ipAddresses.length + uris.length === 0) {
    findings.warning(pointer, 'certificate.names', 'the certificate names no host; clients that verify will refuse it');
  }
  if (leaf.x509.ca) {
    findings.warning(pointer, 'certificate.is-ca', 'the first certificate is that of a CA; clients may refuse it');
  }
}

/** Checks dates and signatures of certificates that others are trusted by. */
export function checkAuthorities(
  authorities: readonly ReadCertificate[],
  pointer: string,
  { findings, now }: { readonly findings: ContentFindings; readonly now: number },
): void {
  if (authorities.length === 0) return;
  const isEnded = ({ facts }: ReadCertificate): boolean => facts.notAfter.getTime() <= now;
  if (authorities.every(isEnded)) {
    findings.error(pointer, 'certificate.expired', 'every certificate has expired; give those of CAs that are valid');
  } else {
    const ended = authorities.filter(isEnded).length;
    if (ended > 0) findings.warning(pointer, 'certificate.expired', `${ended} of the certificates have expired`);
  }
  const others = authorities.filter(({ x509 }) => !x509.ca).length;
  if (others > 0) findings.warning(pointer, 'certificate.no-ca', `${others} of the certificates are not those of a CA`);
}

/** A private key of a PEM text; undefined where a finding says why not. No sentence quotes the text. */
export function readPrivateKey(text: string, pointer: string, findings: ContentFindings): KeyObject | undefined {
  const blocks = readPem(text)?.filter(({ label }) => label !== 'EC PARAMETERS');
  const [block, ...more] = blocks ?? [];
  if (block?.isEncrypted === true || block?.label === 'ENCRYPTED PRIVATE KEY') {
    const detail = 'privateKey is encrypted; decrypt it first (openssl pkey), EFMS seals what it keeps';
    findings.error(pointer, 'key.encrypted', detail);
    return undefined;
  }
  const key = block && more.length === 0 ? openKey(block) : undefined;
  if (key) return key;
  const detail = `privateKey ${keyProblem(blocks)}; give one unencrypted private key in PEM, from its BEGIN to its END line`;
  findings.error(pointer, 'key.pem', detail);
  return undefined;
}

/** Checks that the key is one that Envoy serves with, and that of the certificate. */
export function checkKeyPair(
  leaf: ReadCertificate | undefined,
  key: KeyObject,
  { findings, pointer }: { readonly findings: ContentFindings; readonly pointer: string },
): void {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  const bits = details?.modulusLength ?? 0;
  if (kind !== 'rsa' && kind !== 'ec') {
    findings.error(pointer, 'key.kind', 'privateKey is neither RSA nor ECDSA; Envoy serves with these only');
  } else if (kind === 'rsa' && bits < MIN_RSA_BITS) {
    findings.error(
      pointer,
      'key.weak',
      `privateKey has ${bits} bits; Envoy takes RSA keys of ${MIN_RSA_BITS} bits and more`,
    );
  } else if (kind === 'ec' && !CURVES.includes(details?.namedCurve ?? '')) {
    findings.error(pointer, 'key.kind', 'privateKey is on a curve that Envoy does not serve with; take P-256');
  } else if (kind === 'ec' && details?.namedCurve !== 'prime256v1') {
    findings.warning(pointer, 'key.curve', 'privateKey is not on P-256, the only curve that older Envoys serve with');
  }
  if (leaf && !leaf.x509.checkPrivateKey(key)) {
    findings.error(pointer, 'key.mismatch', 'privateKey does not belong to the first certificate of certificateChain');
  }
}

/** In one form, whatever was written around and between the blocks. */
export const chainPem = (chain: readonly ReadCertificate[]): string => chain.map(({ facts }) => facts.pem).join('');

function openKey({ label, der }: PemBlock): KeyObject | undefined {
  const type = KEY_TYPES[label];
  if (type === undefined || der.length > MAX_KEY_BYTES) return undefined;
  try {
    return createPrivateKey({ key: der, format: 'der', type });
  } catch {
    // Without the cause: what a parser says of a key may hold parts of it.
    return undefined;
  }
}

function keyProblem(blocks: readonly PemBlock[] | undefined): string {
  const [block, ...more] = blocks ?? [];
  if (!blocks) return 'is not PEM that can be read';
  if (!block) return 'holds no PEM';
  if (more.length > 0) return 'holds more than one PEM block';
  return isPrivateKey(block) ? 'is damaged or of an unknown kind' : 'holds a PEM block that is no private key';
}

function checkDates(
  chain: readonly ReadCertificate[],
  pointer: string,
  { findings, now }: { readonly findings: ContentFindings; readonly now: number },
): void {
  for (const [i, { facts }] of chain.entries()) {
    const which = `certificate ${i + 1}`;
    const left = facts.notAfter.getTime() - now;
    if (left <= 0) {
      findings.error(
        pointer,
        'certificate.expired',
        `${which} expired on ${day(facts.notAfter)}; give one that is valid`,
      );
    } else if (facts.notBefore.getTime() > now) {
      findings.warning(pointer, 'certificate.not-yet-valid', `${which} is not valid before ${day(facts.notBefore)}`);
    } else if (left < EXPIRES_SOON_DAYS * DAY_MS) {
      findings.warning(pointer, 'certificate.expires-soon', `${which} expires on ${day(facts.notAfter)}`);
    }
  }
}

function checkStrength({ signatureAlgorithm }: ReadCertificate, pointer: string, findings: ContentFindings): void {
  if (!/SHA-1|MD5/i.test(signatureAlgorithm)) return;
  findings.warning(
    pointer,
    'certificate.weak-signature',
    'the certificate is signed with SHA-1 or older; clients refuse it',
  );
}

const isPrivateKey = ({ label }: PemBlock): boolean => label.endsWith('PRIVATE KEY');

const day = (date: Date): string => date.toISOString().slice(0, 10);

/** The name of the field that a pointer leads to. */
const fieldOf = (pointer: string): string => pointer.slice(pointer.lastIndexOf('/') + 1);
