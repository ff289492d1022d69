import { isLoopback } from '../../common/config/config.js';

/** Whether a peer, as gRPC names it by address and port, is on this machine. */
export function isLoopbackPeer(peer: string): boolean {
  return isLoopback(
    peer
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .replace(/^::ffff:/, ''),
  );
}
