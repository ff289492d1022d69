import { isIP } from 'node:net';

/** The address in `127.0.0.1:5000` or `[::1]:5000`, as gRPC names a peer, for the audit. */
export function addressOf(peer: string): { readonly ip?: string } {
  const ip = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return isIP(ip) === 0 ? {} : { ip };
}
