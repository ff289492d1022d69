/** Time as a dependency, so that tests decide what it is. Leases and schedules use the database's clock instead. */
export abstract class Clock {
  /** Milliseconds since the epoch. */
  abstract now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  abstract monotonic(): number;
}

export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }
}
