import type { Socket } from 'node:net';
import type { ServerStats } from './server-stats.js';

/** How long a peer that was turned away has to take its status before its connection goes. */
const FAREWELL_MS = 100;

interface Connection {
  readonly socket: Socket;
  /** Streams of discovery on it. */
  streams: number;
}

/** The connections of proxies, and how many there may be. */
export class Connections {
  private readonly byPeer = new Map<string, Connection>();

  /** @param limit beyond it connections are closed as soon as they are accepted, so that their peers try another address */
  constructor(
    private readonly limit: number,
    private readonly stats: ServerStats,
  ) {}

  get count(): number {
    return this.byPeer.size;
  }

  /** False where there are too many; the socket is closed then. */
  take(socket: Socket): boolean {
    if (this.byPeer.size >= this.limit) {
      this.stats.refusedConnections += 1;
      socket.destroy();
      return false;
    }
    const peer = peerOf(socket);
    this.byPeer.set(peer, { socket, streams: 0 });
    socket.once('close', () => this.byPeer.delete(peer));
    return true;
  }

  /** A stream was admitted. @param peer as gRPC names it */
  entered(peer: string): void {
    const connection = this.byPeer.get(peer);
    if (connection) connection.streams += 1;
  }

  left(peer: string): void {
    const connection = this.byPeer.get(peer);
    if (connection) connection.streams -= 1;
  }

  /**
   * Closes the connection of a peer for which there is no place, once it could take its status: behind a balancer of connections only a new
   * one comes to another replica. Where it has other streams of discovery it stays.
   */
  letGo(peer: string): void {
    const connection = this.byPeer.get(peer);
    if (!connection) return;
    setTimeout(() => {
      if (connection.streams === 0) connection.socket.destroySoon();
    }, FAREWELL_MS).unref();
  }

  cut(): void {
    for (const { socket } of this.byPeer.values()) socket.destroy();
  }
}

/** As gRPC names the peer of a call. */
const peerOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress}:${remotePort}`;
