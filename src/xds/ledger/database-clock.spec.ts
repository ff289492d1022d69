import { describe, expect, it } from '@jest/globals';
import { DatabaseClock } from './database-clock.js';

describe('the clock of the database', () => {
  /** The database is a million milliseconds ahead. */
  const at = (monotonic: number): number => 1_000_000 + monotonic;

  it('is taken to have been read halfway between question and answer', () => {
    expect(new DatabaseClock().read(at(15), 10, 20)).toEqual({ database: at(20), monotonic: 20 });
  });

  it('is not put off by an answer that took long', () => {
    const clock = new DatabaseClock();
    clock.read(at(11), 10, 12);
    expect(clock.read(at(101), 100, 900)).toEqual({ database: at(900), monotonic: 900 });
  });

  it('follows where it is set, in time', () => {
    const clock = new DatabaseClock();
    clock.read(at(11), 10, 12);
    expect(clock.read(at(5_000_010), 10_000, 10_020).database).toBe(at(5_000_020));
  });
});
