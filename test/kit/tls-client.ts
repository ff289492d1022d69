import { once } from 'node:events';
import tls from 'node:tls';

/** An open TLS connection to a port on loopback. */
export interface TlsConnection {
  readonly protocol: string | null;
  /** SHA-256 fingerprint of the certificate that the server showed. */
  readonly fingerprint: string;
  /** Sends text and answers the first bytes that come back. */
  ask(text: string): Promise<string>;
  stop(): Promise<void>;
}

/** Connects as a client that trusts one CA and counts on the name `localhost`; throws where the handshake fails. */
export async function connectTls(
  port: number,
  ca: string,
  options: tls.ConnectionOptions = {},
): Promise<TlsConnection> {
  const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return {
    protocol: socket.getProtocol(),
    fingerprint: socket.getPeerX509Certificate()!.fingerprint256,
    async ask(text) {
      socket.write(text);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return answer.toString();
    },
    async stop() {
      if (socket.destroyed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}
