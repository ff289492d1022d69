/** One message of a stream. */
export interface StreamMessage {
  readonly id?: string;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How a stream's messages are written for one kind of client. */
export interface EventFormat {
  readonly transport: 'sse' | 'websocket';
  /** Whether the transport carries messages, or bytes in which they are found again. */
  readonly carriesMessages: boolean;
  /** What a stream begins with, so that the client knows it is open. */
  readonly greeting: string;
  /** Made once, a frame serves any number of streams. */
  frame(message: StreamMessage): string;
  /** Tells nothing but that the connection lives and, with an id, the place at which the client would go on. */
  heartbeat(id?: string): string;
}

/** The HTML Standard's "Server-sent events". */
export const SERVER_SENT_EVENTS: EventFormat = {
  transport: 'sse',
  carriesMessages: false,
  // Milliseconds until a client connects again. The first bytes send the headers.
  greeting: 'retry: 2000\n\n',
  frame: ({ id, event, data }) =>
    `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
  heartbeat: (id) => (id === undefined ? ':\n\n' : `:\nid: ${id}\n\n`),
};

/** One JSON object `{id, event, data}` in each text message of a WebSocket (RFC 6455). */
export const WEBSOCKET_MESSAGES: EventFormat = {
  transport: 'websocket',
  carriesMessages: true,
  greeting: JSON.stringify({ event: 'open', data: {} }),
  frame: ({ id, event, data }) => JSON.stringify({ id, event, data }),
  heartbeat: (id) => JSON.stringify({ id, event: 'heartbeat', data: {} }),
};
