import { describe, expect, it } from '@jest/globals';
import type { Durations } from '../../common/metrics/durations.js';
import { HeadDelays } from './head-delays.js';

const count = ({ counts }: Durations): number => counts.reduce((sum, one) => sum + one, 0);

function following() {
  const delays = new HeadDelays();
  const clock = { now: 0 };
  return { delays, clock, stream: delays.follow(() => clock.now) };
}

describe('HeadDelays', () => {
  it('counts a change once to its first response and once to the acknowledgement of all', () => {
    const { delays, clock, stream } = following();
    stream.serving(100);
    clock.now = 140;
    stream.sent();
    clock.now = 150;
    stream.sent();
    clock.now = 400;
    stream.converged();
    stream.converged();
    expect([count(delays.toSend), delays.toSend.sum]).toEqual([1, 0.04]);
    expect([count(delays.toAck), delays.toAck.sum]).toEqual([1, 0.3]);
  });

  it('leaves out what a new stream is served first', () => {
    const { delays, stream } = following();
    stream.serving(undefined);
    stream.sent();
    stream.converged();
    expect([count(delays.toSend), count(delays.toAck)]).toEqual([0, 0]);
  });

  it('counts of changes that follow each other faster than they are acknowledged the newest', () => {
    const { delays, clock, stream } = following();
    stream.serving(0);
    stream.serving(1_000);
    clock.now = 3_000;
    stream.sent();
    stream.converged();
    expect([count(delays.toAck), delays.toAck.sum]).toEqual([1, 2]);
  });

  it('needs no response where nothing had to be sent', () => {
    const { delays, clock, stream } = following();
    stream.serving(0);
    clock.now = 5;
    stream.converged();
    stream.sent();
    expect([count(delays.toSend), count(delays.toAck)]).toEqual([0, 1]);
  });
});
