import { describe, expect, it } from '@jest/globals';
import { isLoopbackPeer } from './loopback-peer.js';

describe('isLoopbackPeer', () => {
  it.each(['127.0.0.1:40000', '127.8.0.1:1', '::1:40000', '[::1]:40000', '::ffff:127.0.0.1:40000'])(
    'takes %s',
    (peer) => {
      expect(isLoopbackPeer(peer)).toBe(true);
    },
  );

  it.each(['10.0.0.1:40000', '::ffff:10.0.0.1:40000', 'fe80::1:40000', '2001:db8::1:1', 'unknown', ''])(
    'refuses %s',
    (peer) => {
      expect(isLoopbackPeer(peer)).toBe(false);
    },
  );
});
