/** `Bearer` and one token (RFC 6750 §2.1). */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i;
/** Longer than any token or key of ours; anything beyond is not looked at. */
const MAX_LENGTH = 4096;

/** The credential in an `Authorization` header; undefined for any other text. */
export function bearerOf(header: string | undefined): string | undefined {
  return header !== undefined && header.length <= MAX_LENGTH ? BEARER.exec(header)?.[1] : undefined;
}
