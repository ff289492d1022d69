import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { CertificateSource } from './certificate-source.js';
import { HANDSHAKE_MS, secureContext } from './server-certificate.js';

/**
 * TLS 1.3 for HTTP/2 over connections that were accepted already, with whatever certificate the source has when one comes. Peers are asked for
 * a certificate of their own and may have none. TLS shows that a peer has the key of its certificate; no CA is asked who that is.
 */
export class SecuredConnections {
  private readonly server: Server;

  constructor(source: CertificateSource, handshakeTimeout = HANDSHAKE_MS) {
    this.server = createServer({
      ...secureContext(source.current),
      handshakeTimeout,
      ALPNProtocols: ['h2'],
      requestCert: true,
      rejectUnauthorized: false,
    });
    source.onChange((certificate) => this.server.setSecureContext(secureContext(certificate)));
    this.server.on('tlsClientError', (_, socket) => socket.destroy());
  }

  /** Calls back with what comes of every connection whose handshake succeeds. */
  onSecured(listener: (socket: TLSSocket) => void): void {
    this.server.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      // grpc-js tells the certificates of peers that are authorized only. This one is by TLS; for whom it stands is looked up.
      socket.authorized = true;
      listener(socket);
    });
  }

  take(socket: Socket): void {
    this.server.emit('connection', socket);
  }
}
