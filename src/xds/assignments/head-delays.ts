import { Durations } from '../../common/metrics/durations.js';

const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What is told of one stream. */
export interface StreamDelays {
  /**
   * The stream serves something else from now on.
   * @param changedAt when its head changed, in monotonic milliseconds; undefined for what a new stream is served first
   */
  serving(changedAt: number | undefined): void;
  sent(): void;
  converged(): void;
}

/** How long changes of heads take to proxies that were connected when they were made. */
export class HeadDelays {
  /** From the change to the first response that is sent because of it; on each stream. */
  readonly toSend = new Durations(BOUNDS);
  /** From the change to the moment at which the proxy has acknowledged all that it wants of what it is served then; on each stream. */
  readonly toAck = new Durations(BOUNDS);

  /** @param clock monotonic milliseconds */
  follow(clock: () => number = () => performance.now()): StreamDelays {
    let unsent: number | undefined;
    let unacknowledged: number | undefined;
    return {
      serving: (changedAt) => {
        unsent = changedAt;
        unacknowledged = changedAt;
      },
      sent: () => {
        if (unsent === undefined) return;
        this.toSend.count(clock() - unsent);
        unsent = undefined;
      },
      converged: () => {
        if (unacknowledged === undefined) return;
        this.toAck.count(clock() - unacknowledged);
        unsent = undefined;
        unacknowledged = undefined;
      },
    };
  }
}
