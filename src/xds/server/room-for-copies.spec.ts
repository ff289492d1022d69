import { describe, expect, it } from '@jest/globals';
import { makeRoomForCopies } from './room-for-copies.js';

describe('room for copies', () => {
  it.each([
    ['v24.0.0', 1],
    ['v100.1.0', 1],
    ['v22.18.0', 0],
  ])('is asked of Node %s %d times', (version, times) => {
    const flags: string[] = [];
    makeRoomForCopies((flag) => flags.push(flag), version);
    expect(flags).toHaveLength(times);
  });
});
