import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { CannotUnseal, type MasterKey, resealed, seal, sealedUnder, unseal, unsealByMaster } from './sealing.js';
import { newToken, tokenHash } from './tokens.js';

const key = { id: 'tenant/1', key: randomBytes(32) };
const place = ['tenant', 'secrets', 'row', '1'];
const plaintext = Buffer.from('private key');

describe('sealing', () => {
  it('gives back what was sealed, at the same place under the same key', () => {
    const sealed = seal(key, plaintext, place);
    expect(sealed).not.toContain('private');
    expect(sealedUnder(sealed)).toBe('tenant/1');
    expect(unseal(key, sealed, place)).toEqual(plaintext);
  });

  it('never seals equal bytes alike', () => {
    expect(seal(key, plaintext, place)).not.toBe(seal(key, plaintext, place));
  });

  it.each([
    ['another place', (s: string) => unseal(key, s, ['tenant', 'secrets', 'row', '2'])],
    ['parts joined otherwise', (s: string) => unseal(key, s, ['tenant', 'secrets', 'row/1'])],
    ['another key', (s: string) => unseal({ ...key, key: randomBytes(32) }, s, place)],
    ['another key id', (s: string) => unseal({ ...key, id: 'tenant/2' }, s, place)],
    ['a changed byte', (s: string) => unseal(key, `${s.slice(0, -2)}${s.endsWith('AA') ? 'BB' : 'AA'}`, place)],
    ['a cut ciphertext', (s: string) => unseal(key, s.slice(0, -10), place)],
    ['another form', () => unseal(key, 'v2.a.b.c', place)],
    ['nothing', () => unseal(key, '', place)],
  ])('refuses %s', (_, open) => {
    expect(() => open(seal(key, plaintext, place))).toThrow(CannotUnseal);
  });
});

describe('a master key that follows another', () => {
  const next: MasterKey = { id: 'next', key: randomBytes(32), accepted: [key] };

  it('opens what either sealed, and nothing else', () => {
    expect(unsealByMaster(next, seal(key, plaintext, place), place)).toEqual(plaintext);
    expect(unsealByMaster(next, seal(next, plaintext, place), place)).toEqual(plaintext);
    const other = { id: 'other', key: randomBytes(32) };
    expect(() => unsealByMaster(next, seal(other, plaintext, place), place)).toThrow(CannotUnseal);
  });

  it('seals anew what the one before it sealed, once', () => {
    const anew = resealed(next, seal(key, plaintext, place), place) ?? '';
    expect(sealedUnder(anew)).toBe('next');
    expect(unsealByMaster({ ...next, accepted: [] }, anew, place)).toEqual(plaintext);
    expect(resealed(next, anew, place)).toBeUndefined();
  });
});

describe('tokens', () => {
  it('carry 256 random bits and a prefix, and hash to the same value each time', () => {
    const token = newToken('efms');
    expect(token).toMatch(/^efms_[A-Za-z0-9_-]{43}$/);
    expect(newToken('efms')).not.toBe(token);
    expect(tokenHash(token)).toBe(tokenHash(token));
    expect(tokenHash('a')).toMatch(/^[0-9a-f]{64}$/);
  });
});
