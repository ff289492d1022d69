import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { RecentLoopDelay } from './recent-loop-delay.js';

describe('RecentLoopDelay', () => {
  let loop: RecentLoopDelay;
  afterEach(() => loop.stop());

  it('sees work that holds the loop up, as the worst', async () => {
    loop = new RecentLoopDelay();
    await delay(50);
    const until = performance.now() + 100;
    while (performance.now() < until);
    await delay(50);
    expect(loop.quantile(1)).toBeGreaterThan(0.05);
    expect(loop.quantile(0.5)).toBeLessThanOrEqual(loop.quantile(1));
  });

  it('knows nothing before the first look', () => {
    loop = new RecentLoopDelay();
    expect(loop.quantile(0.99)).toBe(0);
  });
});
