import { ServerCredentials } from '@grpc/grpc-js';
import type { CertificateSource } from './certificate-source.js';
import { HANDSHAKE_MS, secureContext } from './server-certificate.js';

/** Credentials of a gRPC server that serve whatever certificate the source has when a connection comes. TLS 1.3 only. */
export class RenewedCredentials extends ServerCredentials {
  constructor(source: CertificateSource, handshakeTimeout = HANDSHAKE_MS) {
    super({ minVersion: 'TLSv1.3', handshakeTimeout }, secureContext(source.current));
    source.onChange((certificate) => this.updateSecureContextOptions(secureContext(certificate)));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
