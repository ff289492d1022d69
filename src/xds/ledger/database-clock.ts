import type { ClockReading } from './stream-record.js';

/** How much worse a reading counts for each millisecond of its age: two clocks drift apart by less than a thousandth. */
const DRIFT = 0.001;

/**
 * How the clock of the database stands to the monotonic clock of this process. A reading is as uncertain as its answer took long, and a
 * database under load takes long, so the most certain one of late is kept: what happened on two replicas stays in its order.
 */
export class DatabaseClock {
  private offset = 0;
  private error = Infinity;
  private readAt = 0;

  /**
   * @param database what the database answered, in milliseconds since the epoch
   * @param asked when it was asked, and `answered` when the answer came, on the monotonic clock
   */
  read(database: number, asked: number, answered: number): ClockReading {
    const error = (answered - asked) / 2;
    if (error <= this.error + (answered - this.readAt) * DRIFT) {
      this.offset = database - (asked + answered) / 2;
      this.error = error;
      this.readAt = answered;
    }
    return { database: this.offset + answered, monotonic: answered };
  }
}
