import { describe, expect, it } from '@jest/globals';
import { causeOf } from './refusal-cause.js';

describe('the cause of a refusal', () => {
  it.each([
    ["Error adding/updating listener(s) ingress: cannot bind '0.0.0.0:80': Address already in use", 'machine'],
    ["Error adding/updating listener(s) ingress: cannot bind '0.0.0.0:80': Permission denied", 'machine'],
    ['Invalid path: /etc/envoy/missing.pem', 'machine'],
    ['Error adding/updating cluster(s) c2: hash policy is not set', 'content'],
    ['no reason given', 'content'],
  ])('of "%s" is the %s', (message, cause) => {
    expect(causeOf(message)).toBe(cause);
  });
});
