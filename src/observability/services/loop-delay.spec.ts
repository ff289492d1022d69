import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { LoopDelay } from './loop-delay.js';

describe('LoopDelay', () => {
  let loop: LoopDelay;
  afterEach(() => loop.stop());

  it('sees work that holds the loop up, as the worst', async () => {
    loop = new LoopDelay();
    await delay(50);
    const until = performance.now() + 100;
    while (performance.now() < until);
    await delay(50);
    expect(loop.quantile(1)).toBeGreaterThan(0.05);
    expect(loop.quantile(0.5)).toBeLessThanOrEqual(loop.quantile(1));
  });

  it('knows nothing before the first look', () => {
    loop = new LoopDelay();
    expect(loop.quantile(0.99)).toBe(0);
  });
});
