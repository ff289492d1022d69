import { Logger } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { WebSocket, WebSocketServer } from 'ws';

/** Nest's adapter, for which what a client did wrong is no error of ours. */
export class EventSocketAdapter extends WsAdapter {
  private readonly log = new Logger(EventSocketAdapter.name);

  override bindErrorHandler(server: WebSocketServer): WebSocketServer {
    server.on('connection', (socket: WebSocket) => {
      // The socket closes by itself, with a code that says why.
      socket.on('error', (err) => this.log.debug({ err }, 'a WebSocket broke'));
    });
    server.on('error', (err) => this.log.error({ err }, 'the WebSocket server failed'));
    return server;
  }
}
