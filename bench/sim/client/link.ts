import type { Socket } from 'node:net';
import { dial } from '../../xds/client/dial.ts';
import { Http2Connection, type Http2Stream } from '../../xds/client/http2-connection.ts';
import { headersOf } from '../../xds/client/requests.ts';
import type { Protocol } from './kinds.ts';
import { MessageReader } from './message-reader.ts';

/** What an Envoy gives its server: it may send so much ahead. */
const WINDOW = 16 * 1024 * 1024;

interface Ears {
  onMessage(message: Buffer): void;
  /** Called once, unless it was cut from this side. */
  onEnd(why: string): void;
}

/** One connection to a replica, with one ADS stream. */
export class Link {
  private readonly socket: Socket;
  private readonly connection: Http2Connection;
  private readonly stream: Http2Stream;
  private ears: Ears | undefined;

  constructor(port: number, protocol: Protocol, token: string, ears: Ears) {
    this.ears = ears;
    const connection: { current?: Http2Connection } = {};
    this.socket = dial(
      { port },
      {
        onRead: (bytes, length) => connection.current?.read(bytes, length),
        onClose: (why) => this.end(why),
      },
    );
    this.connection = connection.current = new Http2Connection(this.socket, { window: WINDOW });
    const reader = new MessageReader((message) => this.ears?.onMessage(message));
    this.stream = this.connection.open(headersOf(protocol, token), {
      onData: (bytes, from, to) => reader.read(bytes, from, to),
      onEnd: () => this.end('the server ended the stream'),
    });
  }

  send(message: Buffer): void {
    if (this.ears) this.connection.send(this.stream, message);
  }

  /** Reads and says nothing from here on, and closes nothing: for the server it is a connection that is half open. */
  fallSilent(): void {
    this.ears = undefined;
    this.socket.pause();
  }

  cut(): void {
    this.ears = undefined;
    this.socket.destroy();
  }

  private end(why: string): void {
    const { ears } = this;
    this.cut();
    ears?.onEnd(why);
  }
}
