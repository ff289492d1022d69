import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { problems } from '../../common/errors/problem.js';
import { asProblem, documentOf } from '../../common/http/problem.filter.js';
import { requestIdOf } from '../../common/logging/logging.js';
import { EVENTS_SOCKET_PATH, isSameOrigin } from '../event-upgrades.js';
import type { EventStream } from '../services/event-stream.js';
import { EventSocket } from '../services/event-socket.js';
import { EventSockets } from '../services/event-sockets.js';

/** The longest message of a client: a credential, an id, twenty types. */
const MAX_MESSAGE = 16 * 1024;
/** Connections of which it is not known yet whose they are. */
const MAX_WAITING = 200;
const START_WITHIN_MS = 10_000;
const PING_MS = 15_000;
/** How long a peer may take to answer a close frame, and all of them when the process ends. */
const CLOSE_GRACE_MS = 2_000;

/** The events of `GET /events` over WebSocket (RFC 6455). */
@WebSocketGateway({
  path: EVENTS_SOCKET_PATH,
  maxPayload: MAX_MESSAGE,
  maxFragments: 16,
  closeTimeout: CLOSE_GRACE_MS,
  verifyClient: refuseOtherOrigins,
})
export class EventsGateway implements OnGatewayConnection<WebSocket>, BeforeApplicationShutdown {
  private readonly log = new Logger(EventsGateway.name);
  private readonly open = new Map<EventSocket, Promise<void>>();

  constructor(@Inject(EventSockets) private readonly sockets: EventSockets) {}

  handleConnection(client: WebSocket, request: IncomingMessage): void {
    const socket = new EventSocket(client, {
      begin: (message) => this.begin(request, message),
      startWithin: START_WITHIN_MS,
      pingEvery: PING_MS,
    });
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    this.open.set(socket, closed);
    void closed.then(() => this.open.delete(socket));
    if (this.sockets.isIntroduced(request)) void socket.begin({});
    else if (this.waiting() > MAX_WAITING) socket.close(1013, 'Too many connections wait; try again shortly.');
  }

  /** The phase before the one in which connections are cut. Those with a stream are ended by it. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const socket of this.open.keys())
      if (socket.isWaiting) socket.close(1001, 'This server stops; connect again.');
    await Promise.race([Promise.all(this.open.values()), delay(CLOSE_GRACE_MS, undefined, { ref: false })]);
  }

  /** @throws ProblemError and nothing else */
  private async begin(request: IncomingMessage, message: unknown): Promise<EventStream> {
    try {
      return await this.sockets.begin(request, message);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.definition.level === 'error') this.log.error({ err: error }, 'a stream of events could not begin');
      throw problem;
    }
  }

  private waiting(): number {
    return [...this.open.keys()].filter((socket) => socket.isWaiting).length;
  }
}

type Verdict = (isAllowed: boolean, status?: number, body?: string, headers?: Readonly<Record<string, string>>) => void;

function refuseOtherOrigins({ req }: { req: IncomingMessage }, answer: Verdict): void {
  if (isSameOrigin(req)) {
    answer(true);
    return;
  }
  const problem = problems.forbidden({ detail: 'Pages of other origins may not connect.' });
  const document = documentOf(problem, { id: requestIdOf(req), url: req.url ?? '' });
  answer(false, problem.definition.status, JSON.stringify(document), { 'Content-Type': 'application/problem+json' });
}
