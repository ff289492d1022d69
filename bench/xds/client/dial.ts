import net, { type Socket } from 'node:net';
import tls from 'node:tls';

export interface Address {
  readonly port: number;
  /** PEM of the CA that the server must be of; plaintext without it. */
  readonly ca?: string;
}

interface Ears {
  /** The bytes are valid during the call only. */
  onRead(bytes: Buffer, length: number): void;
  onClose(reason: string): void;
}

/** One for all connections of the process: what is read is used up before anything else is read. */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

/** Opens a connection to a server on this machine; it may be written to at once. */
export function dial({ port, ca }: Address, ears: Ears): Socket {
  const to = { host: '127.0.0.1', port };
  const onread = {
    buffer: shared,
    callback: (length: number, bytes: Uint8Array): boolean => {
      ears.onRead(bytes as Buffer, length);
      return true;
    },
  };
  const socket: Socket =
    ca === undefined
      ? net.connect({ ...to, onread })
      : tls.connect({ ...to, ca, ALPNProtocols: ['h2'], checkServerIdentity: () => undefined, onread } as object);
  socket.setNoDelay(true);
  socket.on('error', (error: Error) => ears.onClose(error.message));
  socket.on('close', () => ears.onClose('the connection was closed'));
  return socket;
}
