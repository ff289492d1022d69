export const SECRET_TYPES = ['tlsCertificate', 'validationContext', 'genericSecret', 'sessionTicketKeys'] as const;
/** What a secret is, as Envoy's `Secret` has it. */
export type SecretType = (typeof SECRET_TYPES)[number];

/** What a server, or a client, proves itself with. PEM both. */
export interface TlsCertificateValues {
  readonly certificateChain: string;
  readonly privateKey: string;
}

export const SAN_TYPES = ['dns', 'uri', 'email', 'ip'] as const;
export const SAN_MATCHES = ['exact', 'prefix', 'suffix', 'contains'] as const;

/** One way to match a subject alternative name; exactly one of the texts is given. */
export type SubjectAltNameValues = { readonly type: (typeof SAN_TYPES)[number] } & {
  readonly [match in (typeof SAN_MATCHES)[number]]?: string;
};

/** How the certificate of the other side is verified. */
export interface ValidationContextValues {
  /** PEM. */
  readonly trustedCa?: string;
  readonly subjectAltNames?: readonly SubjectAltNameValues[];
  /** SHA-256 of certificates in hexadecimal, and of public keys in base64. */
  readonly certificateHashes?: readonly string[];
  readonly spkiHashes?: readonly string[];
}

/** Any text or bytes; exactly one of them is given. */
export interface GenericSecretValues {
  readonly value?: string;
  readonly base64?: string;
}

/** Keys of 80 bytes in base64, the one that new tickets are sealed with first. */
export interface SessionTicketKeysValues {
  readonly keys: readonly string[];
}

/** The content of a secret as people give it; exactly one member is there. */
export interface SecretValues {
  readonly tlsCertificate?: TlsCertificateValues;
  readonly validationContext?: ValidationContextValues;
  readonly genericSecret?: GenericSecretValues;
  readonly sessionTicketKeys?: SessionTicketKeysValues;
}
