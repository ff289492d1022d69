import { setImmediate } from 'node:timers/promises';

/** So long work may have the event loop at a time. */
const SLICE_MS = 10;

/** Cuts long work that must stay on the event loop into slices: whoever calls `next` between two steps lets others in when it is time. */
export class Slices {
  private until = performance.now() + SLICE_MS;

  async next(): Promise<void> {
    if (performance.now() < this.until) return;
    await setImmediate();
    this.until = performance.now() + SLICE_MS;
  }
}
