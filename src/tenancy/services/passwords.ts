import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/** Argon2id by OWASP's parameters; the package's default algorithm is argon2id. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A hash of nothing anybody knows, at the cost of a real one. */
export const DUMMY_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$IjlvyInTQkvdWCtTSv0lyA$HvYW0uyheLGxBiKA/NSRYmkFeXTT3Tz1B0mfxMamx+s';

export const MIN_PASSWORD_LENGTH = 12;
/** Longer ones are refused: hashing them would be work for nothing. */
export const MAX_PASSWORD_LENGTH = 1024;

export const hashPassword = (password: string): Promise<string> => hash(password, COST);

/**
 * Whether the password belongs to the hash. It takes as long for somebody who does not exist, or has no password, as for
 * somebody who does, so that the time of a login tells nothing.
 */
export async function passwordMatches(stored: string | null | undefined, password: string): Promise<boolean> {
  const matches = await verify(stored ?? DUMMY_HASH, password);
  return matches && stored !== null && stored !== undefined;
}

/** 120 random bits in letters that are not mistaken for each other. */
export function generatePassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const limit = 256 - (256 % letters.length);
  const picked: string[] = [];
  while (picked.length < 25) {
    for (const byte of randomBytes(32)) {
      if (byte < limit && picked.length < 25) picked.push(letters[byte % letters.length] ?? '');
    }
  }
  return picked.join('').replaceAll(/(.{5})(?=.)/g, '$1-');
}
