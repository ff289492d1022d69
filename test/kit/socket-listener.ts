import WebSocket, { type ClientOptions } from 'ws';
import { eventually } from './eventually.js';
import type { StreamMessage } from './event-listener.js';

/** Follows events over WebSocket as a client of the API would. */
export class SocketListener {
  readonly messages: StreamMessage[] = [];
  lastId: string | undefined;
  readonly socket: WebSocket;
  /** How the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>;

  /** @param url with `http` or `https`, as the server announces itself */
  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), options);
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) throw new Error('a binary message');
      const message = JSON.parse((data as Buffer).toString()) as StreamMessage;
      if (message.id !== undefined) this.lastId = message.id;
      this.messages.push(message);
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** What happened, without the messages about the stream itself. */
  get events(): readonly StreamMessage[] {
    return this.messages.filter(({ event }) => !['open', 'heartbeat', 'reset', 'end'].includes(event ?? ''));
  }

  /** Resolves when the server has begun the stream. */
  begun(): Promise<true> {
    return eventually('the beginning of the stream', () => (this.messages.length > 0 ? true : undefined));
  }

  until(count: number): Promise<true> {
    return eventually(`${count} events`, () => (this.events.length >= count ? true : undefined));
  }

  async opened(): Promise<void> {
    if (this.socket.readyState === WebSocket.CONNECTING)
      await new Promise((resolve, reject) => this.socket.once('open', resolve).once('error', reject));
  }

  /** Sends one message once the connection stands. */
  async say(message: object | string | Buffer): Promise<void> {
    await this.opened();
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  leave(): void {
    this.socket.terminate();
  }
}
