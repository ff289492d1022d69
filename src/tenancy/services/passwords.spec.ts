import { describe, expect, it } from '@jest/globals';
import { parseOptions } from '@node-rs/argon2';
import { DUMMY_HASH, generatePassword, hashPassword, passwordMatches } from './passwords.js';

describe('passwords', () => {
  it('match their own hash and no other', async () => {
    const stored = await hashPassword('correct horse battery');
    expect(await passwordMatches(stored, 'correct horse battery')).toBe(true);
    expect(await passwordMatches(stored, 'correct horse batterz')).toBe(false);
  });

  it('never match where there is no hash', async () => {
    expect(await passwordMatches(null, '')).toBe(false);
    expect(await passwordMatches(undefined, 'anything')).toBe(false);
  });

  it('cost as much to check for somebody unknown as for a user', async () => {
    const { saltLen: _, ...real } = parseOptions(await hashPassword('x'));
    const { saltLen: __, ...dummy } = parseOptions(DUMMY_HASH);
    expect(dummy).toEqual(real);
  });
});

describe('generatePassword', () => {
  it('gives a new one of five groups each time', () => {
    expect(generatePassword()).toMatch(/^([a-z2-9]{5}-){4}[a-z2-9]{5}$/);
    expect(generatePassword()).not.toBe(generatePassword());
  });
});
