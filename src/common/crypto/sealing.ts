import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A symmetric key with the id that ciphertexts name it by. */
export interface SealingKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** The key that seals now, and those from before that still open what they sealed. */
export interface MasterKey extends SealingKey {
  readonly accepted: readonly SealingKey[];
}

const ALGORITHM = 'aes-256-gcm';
const VERSION = 'v1';
const IV_LENGTH = 12;

/** Thrown for a ciphertext that was changed, moved to another place, or sealed under another key; never says which. */
export class CannotUnseal extends Error {
  override readonly name = 'CannotUnseal';
}

/**
 * Seals bytes with AES-256-GCM (NIST SP 800-38D) under a random 96-bit IV. `place` is bound as associated data, so a
 * ciphertext that is moved to another tenant, row or version does not open there.
 * @returns `v1.<key id>.<iv>.<ciphertext and tag>`, each part base64url
 */
export function seal(key: SealingKey, plaintext: Uint8Array, place: readonly string[]): string {
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv(ALGORITHM, key.key, iv);
  cipher.setAAD(associatedData(key.id, place));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  const parts = [Buffer.from(key.id), iv, sealed].map((part) => part.toString('base64url'));
  return [VERSION, ...parts].join('.');
}

/** The id of the key that a ciphertext was sealed under, to look it up. */
export function sealedUnder(ciphertext: string): string {
  const [version, keyId] = ciphertext.split('.');
  if (version !== VERSION || keyId === undefined) throw new CannotUnseal('not a ciphertext of this form');
  return Buffer.from(keyId, 'base64url').toString('utf8');
}

/** @throws CannotUnseal */
export function unseal(key: SealingKey, ciphertext: string, place: readonly string[]): Buffer {
  const [, , iv, sealed] = ciphertext.split('.').map((part) => Buffer.from(part, 'base64url'));
  if (sealedUnder(ciphertext) !== key.id || iv?.length !== IV_LENGTH || sealed === undefined || sealed.length < 16) {
    throw new CannotUnseal('the ciphertext does not belong here');
  }
  try {
    const decipher = createDecipheriv(ALGORITHM, key.key, iv);
    decipher.setAAD(associatedData(key.id, place));
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch (error) {
    throw new CannotUnseal('the ciphertext does not belong here', { cause: error });
  }
}

/** Opens what the master key or one of those before it sealed. @throws CannotUnseal */
export function unsealByMaster(master: MasterKey, ciphertext: string, place: readonly string[]): Buffer {
  const id = sealedUnder(ciphertext);
  return unseal([master, ...master.accepted].find((key) => key.id === id) ?? master, ciphertext, place);
}

/** The same content sealed under the master key as it is now; undefined where it is already. @throws CannotUnseal */
export function resealed(master: MasterKey, ciphertext: string, place: readonly string[]): string | undefined {
  if (sealedUnder(ciphertext) === master.id) return undefined;
  return seal(master, unsealByMaster(master, ciphertext, place), place);
}

/** Length-prefixed, so that no two places have the same bytes. */
function associatedData(keyId: string, place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([VERSION, keyId, ...place]));
}
