import type { EventFormat } from './event-format.js';
import type { EventStream, StreamEnd } from './event-stream.js';

type Transport = EventFormat['transport'];
/** `client`: the other side went, or the connection broke. */
type Reason = StreamEnd | 'client';

/** Counts streams of events, by what they come over. */
export class EventStats {
  readonly open: Record<Transport, number> = { sse: 0, websocket: 0 };
  readonly ended: Record<Transport, Record<Reason, number>> = { sse: none(), websocket: none() };

  /** Counts the stream from now until it closes. */
  follow(stream: EventStream): void {
    const { transport } = stream.format;
    this.open[transport] += 1;
    stream.once('close', () => {
      this.open[transport] -= 1;
      this.ended[transport][stream.endedBy ?? 'client'] += 1;
    });
  }
}

const none = (): Record<Reason, number> => ({ slow: 0, credential: 0, shutdown: 0, client: 0 });
