import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LoopDelay } from './loop-delay.js';

/** Keeps the event loop from everything else. */
const block = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

describe('LoopDelay', () => {
  let delay: LoopDelay;

  beforeEach(() => {
    delay = new LoopDelay();
  });
  afterEach(() => delay.onApplicationShutdown());

  it('sees a turn of the loop that lasts, during it and right after it', async () => {
    delay.onApplicationBootstrap();
    block(250);
    expect(delay.current).toBeGreaterThanOrEqual(200);
    await new Promise((resolve) => setImmediate(resolve));
    expect(delay.current).toBeGreaterThanOrEqual(200);
  });

  it('is none before it was started and after it was stopped', () => {
    block(100);
    expect(delay.current).toBe(0);
    delay.onApplicationBootstrap();
    delay.onApplicationShutdown();
    block(100);
    expect(delay.current).toBe(0);
  });
});
