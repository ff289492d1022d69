import { describe, expect, it } from '@jest/globals';
import { environmentProblem } from './environment.js';

describe('environmentProblem', () => {
  it('accepts bounded variables', () => {
    expect(
      environmentProblem({ ENVOY_UID: '101', path: '', KEYBOARD: 'de', TOKENIZER: 'x', KEY_COUNT: '3' }),
    ).toBeUndefined();
  });

  it.each([
    [[], /object of strings/],
    [{ A: 1 }, /value for "A"/],
    [{ A: 'x\0' }, /value for "A"/],
    [{ A: 'x'.repeat(4097) }, /value for "A"/],
    [{ 'A-B': '' }, /letters, digits/],
    [{ DB_PASSWORD: 'x' }, /stands for a secret/],
    [{ github_token: 'x' }, /stands for a secret/],
    [{ AWS_SECRET_ACCESS_KEY: 'x' }, /stands for a secret/],
    [{ STRIPE_API_KEY: 'x' }, /stands for a secret/],
    [Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`V${i}`, ''])), /at most 256/],
  ])('refuses %j', (environment, problem) => {
    expect(environmentProblem(environment)).toMatch(problem);
  });
});
