import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WebSocket } from 'ws';
import { problems } from '../../common/errors/problem.js';
import { WEBSOCKET_MESSAGES } from './event-format.js';
import { EventSocket } from './event-socket.js';
import { EventStream } from './event-stream.js';

const START_WITHIN = 10_000;
const PING_EVERY = 15_000;

/** A connection without a network; what is sent leaves at once. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readonly readyState = 1;
  readonly ping = jest.fn();
  readonly sent: string[] = [];
  bufferedAmount = 0;
  ended: 'terminated' | { code: number; reason: string } | undefined;

  send(text: string, done: () => void): void {
    this.sent.push(text);
    done();
  }

  close(code: number, reason: string): void {
    this.ended ??= { code, reason };
  }

  terminate(): void {
    this.ended ??= 'terminated';
    this.emit('close');
  }
}

describe('a client over WebSocket', () => {
  let peer: FakeSocket;
  let stream: EventStream;
  const connect = (begin = () => Promise.resolve(stream)): EventSocket =>
    new EventSocket(peer as unknown as WebSocket, { begin, startWithin: START_WITHIN, pingEvery: PING_EVERY });

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    peer = new FakeSocket();
    stream = new EventStream(WEBSOCKET_MESSAGES);
  });
  afterEach(() => {
    peer.terminate();
    jest.useRealTimers();
  });

  it('is cut off when it answers no ping', () => {
    void connect().begin({});
    jest.advanceTimersByTime(PING_EVERY);
    expect(peer.ping).toHaveBeenCalledTimes(1);
    peer.emit('pong');
    jest.advanceTimersByTime(PING_EVERY);
    expect([peer.ping.mock.calls.length, peer.ended]).toEqual([2, undefined]);
    jest.advanceTimersByTime(PING_EVERY);
    expect(peer.ended).toBe('terminated');
  });

  it('is refused when it says nothing', () => {
    connect();
    jest.advanceTimersByTime(START_WITHIN);
    expect(peer.ended).toMatchObject({ code: 4408 });
  });

  it('is cut off when it sends pings and does not read the answers', () => {
    connect();
    peer.bufferedAmount = 1024 * 1024;
    peer.emit('ping');
    expect(peer.ended).toBe('terminated');
  });

  it('is told everything and then why it ends', async () => {
    const socket = connect();
    const begun = socket.begin({});
    stream.finish('slow');
    await begun;
    expect(peer.sent.map((text) => (JSON.parse(text) as { event: string }).event)).toEqual(['open', 'end']);
    expect(peer.ended).toMatchObject({ code: 1013 });
  });

  it('is cut off when its stream breaks off', async () => {
    const begun = connect().begin({});
    await new Promise(setImmediate);
    stream.destroy();
    await begun;
    expect(peer.ended).toBe('terminated');
  });

  it.each([
    ['a problem', problems.forbidden({ detail: 'No.' }), { code: 4403, reason: 'No.' }],
    ['a long problem', problems.invalid({ detail: '\u20ac'.repeat(100) }), { code: 4422, reason: '\u20ac'.repeat(41) }],
    ['a fault of ours', new Error('secret'), { code: 1011, reason: 'Something went wrong in EFMS' }],
  ])('is refused with a code and a reason that fits: %s', async (_, error, expected) => {
    await connect(() => Promise.reject(error)).begin({});
    expect(peer.ended).toEqual(expected);
  });

  it('has a stream that ends with the connection', async () => {
    const begun = connect().begin({});
    await new Promise(setImmediate);
    peer.emit('close');
    await begun;
    expect(stream.destroyed).toBe(true);
  });
});
