import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { CertificateFacts } from '../../common/crypto/certificate.js';
import type { Finding } from '../../common/errors/finding.js';
import { problems } from '../../common/errors/problem.js';
import {
  chainPem,
  checkAuthorities,
  checkChain,
  checkKeyPair,
  readCertificates,
  readPrivateKey,
} from './certificates.js';
import { ContentFindings } from './content-findings.js';
import {
  type GenericSecretValues,
  SAN_MATCHES,
  SECRET_TYPES,
  type SecretType,
  type SecretValues,
  type SessionTicketKeysValues,
  type SubjectAltNameValues,
  type TlsCertificateValues,
  type ValidationContextValues,
} from './secret-values.js';

/** The content of a secret, checked. It holds the secret itself: never logged, never answered. */
export interface SecretContent {
  readonly type: SecretType;
  /** Envoy's `Secret` in proto3 JSON, but for its name. */
  readonly message: Readonly<Record<string, unknown>>;
  readonly certificates: readonly CertificateFacts[];
  readonly warnings: readonly Finding[];
}

type Read = Pick<SecretContent, 'message' | 'certificates'>;

const MAX_CHAIN = 10;
/** As many as the bundle of an operating system has, and more. */
const MAX_AUTHORITIES = 500;
const TICKET_KEY_BYTES = 80;

/**
 * Reads what people give as the content of a secret. Envoy takes broken certificates without a word and serves nothing with them, so
 * all that can be known is checked here.
 */
@Injectable()
export class SecretContents {
  constructor(private readonly clock: Clock) {}

  /** @throws ProblemError 422 with the place of everything that is wrong, never with what stands there */
  read(values: SecretValues): SecretContent {
    const findings = new ContentFindings();
    const given = SECRET_TYPES.filter((type) => values[type] !== undefined);
    const [type] = given;
    if (type === undefined || given.length > 1) {
      findings.error('', 'type', `a secret has one content: give exactly one of ${SECRET_TYPES.join(', ')}`);
    }
    const read = given.length === 1 ? this.readOne(values, findings) : undefined;
    if (findings.errors.length > 0 || !read || type === undefined) {
      throw problems.invalid({ detail: 'See errors.', errors: [...findings.errors, ...findings.warnings] });
    }
    return { type, ...read, warnings: findings.warnings };
  }

  private readOne(values: SecretValues, findings: ContentFindings): Read | undefined {
    const { tlsCertificate, validationContext, genericSecret, sessionTicketKeys } = values;
    if (tlsCertificate) return this.readTlsCertificate(tlsCertificate, findings);
    if (validationContext) return this.readValidationContext(validationContext, findings);
    if (genericSecret) return readGenericSecret(genericSecret, findings);
    return sessionTicketKeys && readSessionTicketKeys(sessionTicketKeys, findings);
  }

  private readTlsCertificate(values: TlsCertificateValues, findings: ContentFindings): Read | undefined {
    const place = { chain: '/tlsCertificate/certificateChain', key: '/tlsCertificate/privateKey' };
    const chain = readCertificates(values.certificateChain, place.chain, { findings, most: MAX_CHAIN });
    checkChain(chain, place.chain, { findings, now: this.clock.now() });
    const key = readPrivateKey(values.privateKey, place.key, findings);
    if (!key) return undefined;
    checkKeyPair(chain[0], key, { findings, pointer: place.key });
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' });
    return {
      message: {
        tls_certificate: {
          certificate_chain: { inline_string: chainPem(chain) },
          private_key: { inline_bytes: base64(keyPem) },
        },
      },
      certificates: chain.map(({ facts }) => facts),
    };
  }

  private readValidationContext(values: ValidationContextValues, findings: ContentFindings): Read {
    const { trustedCa, subjectAltNames = [], certificateHashes = [], spkiHashes = [] } = values;
    const place = '/validationContext';
    const pointer = `${place}/trustedCa`;
    const authorities =
      trustedCa === undefined ? [] : readCertificates(trustedCa, pointer, { findings, most: MAX_AUTHORITIES });
    checkAuthorities(authorities, pointer, { findings, now: this.clock.now() });
    if (trustedCa === undefined && certificateHashes.length + spkiHashes.length === 0) {
      findings.error(
        place,
        'validation.nothing',
        'give trustedCa, certificateHashes or spkiHashes; else nothing is verified',
      );
    }
    if (trustedCa === undefined && subjectAltNames.length > 0) {
      findings.error(pointer, 'validation.names-alone', 'subjectAltNames prove nothing without trustedCa; give it');
    }
    const matchers = subjectAltNames.map((name, i) => sanMatcher(name, `${place}/subjectAltNames/${i}`, findings));
    return {
      message: {
        validation_context: {
          ...(trustedCa !== undefined && { trusted_ca: { inline_string: chainPem(authorities) } }),
          match_typed_subject_alt_names: matchers,
          verify_certificate_hash: certificateHashes.map((hash) => hash.toLowerCase()),
          verify_certificate_spki: spkiHashes,
        },
      },
      certificates: authorities.map(({ facts }) => facts),
    };
  }
}

function sanMatcher(values: SubjectAltNameValues, pointer: string, findings: ContentFindings): object {
  const given = SAN_MATCHES.filter((match) => values[match] !== undefined);
  const [match] = given;
  if (match === undefined || given.length > 1) {
    findings.error(pointer, 'validation.match', `give exactly one of ${SAN_MATCHES.join(', ')}`);
    return {};
  }
  const sanType = values.type === 'ip' ? 'IP_ADDRESS' : values.type.toUpperCase();
  return { san_type: sanType, matcher: { [match]: values[match] } };
}

function readGenericSecret({ value, base64: encoded }: GenericSecretValues, findings: ContentFindings): Read {
  const place = '/genericSecret';
  if ((value === undefined) === (encoded === undefined)) {
    findings.error(place, 'generic.content', 'give exactly one of value and base64');
  }
  if (value === '' || encoded === '') findings.error(place, 'generic.empty', 'the secret is empty');
  const bytes = value === undefined ? (encoded ?? '') : base64(value);
  return { message: { generic_secret: { secret: { inline_bytes: bytes } } }, certificates: [] };
}

function readSessionTicketKeys({ keys }: SessionTicketKeysValues, findings: ContentFindings): Read {
  for (const [i, key] of keys.entries()) {
    const { length } = Buffer.from(key, 'base64');
    if (length === TICKET_KEY_BYTES) continue;
    const detail = `the key has ${length} bytes; each has exactly ${TICKET_KEY_BYTES} (openssl rand -base64 ${TICKET_KEY_BYTES})`;
    findings.error(`/sessionTicketKeys/keys/${i}`, 'ticket.length', detail);
  }
  return { message: { session_ticket_keys: { keys: keys.map((key) => ({ inline_bytes: key })) } }, certificates: [] };
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
