import { hash, randomBytes } from 'node:crypto';

/** A credential with 256 random bits behind a prefix that secret scanners and people recognise. */
export const newToken = (prefix: string): string => `${prefix}_${randomBytes(32).toString('base64url')}`;

/**
 * SHA-256 in hex: what is kept of a token. A slow hash would add nothing, because 256 random bits cannot be guessed
 * (unlike passwords, which go through argon2id).
 */
export const tokenHash = (token: string): string => hash('sha256', token);
