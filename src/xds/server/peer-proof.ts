import type { Metadata, ServerDuplexStream } from '@grpc/grpc-js';
import { bearerOf } from '../../common/http/bearer.js';
import type { PeerProof } from './ports.js';

/** What this takes from a call, of whichever kind. */
export interface ProvingCall extends Pick<ServerDuplexStream<Buffer, Buffer>, 'getAuthContext'> {
  readonly metadata: Metadata;
}

/** What the peer of a call proves itself with. Nothing that it sends is read. */
export function proofOf(call: ProvingCall): PeerProof {
  const [authorization] = call.metadata.get('authorization');
  return { token: bearerOf(authorization?.toString()), certificate: () => certificateOf(call) };
}

function certificateOf(call: ProvingCall): Buffer | undefined {
  try {
    return call.getAuthContext().sslPeerCertificate?.raw;
  } catch {
    // Of a connection that has gone meanwhile nothing can be had, which Node and grpc-js throw errors over.
    return undefined;
  }
}
