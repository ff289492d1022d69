import { describe, expect, it } from '@jest/globals';
import { Slices } from './slices.js';

describe('slices', () => {
  it('let others have the event loop while work goes on', async () => {
    let others = 0;
    setImmediate(() => (others += 1));
    const slices = new Slices();
    // Ends only because the others get their turn.
    for (let steps = 0; others === 0; steps += 1) {
      if (steps > 1e8) throw new Error('nobody else was let in');
      await slices.next();
    }
    expect(others).toBe(1);
  });

  it('take no turn for work that is short', async () => {
    let isElsewhere = false;
    setImmediate(() => (isElsewhere = true));
    await new Slices().next();
    expect(isElsewhere).toBe(false);
  });
});
