import { describe, expect, it } from '@jest/globals';
import { SERVER_SENT_EVENTS, WEBSOCKET_MESSAGES } from './event-format.js';
import { EventStream } from './event-stream.js';

const frame = (text: string): string => SERVER_SENT_EVENTS.frame({ id: '1', event: 'thing.happened', data: { text } });
const everything = async (stream: EventStream): Promise<string> => (await stream.toArray()).join('');

describe('an event stream', () => {
  it('sends frames as the HTML Standard wants them, on one line whatever they say', async () => {
    const stream = new EventStream(SERVER_SENT_EVENTS);
    stream.send(frame('a\nb\r\n\nc'));
    stream.finish('shutdown');
    const text = await everything(stream);
    expect(text).toContain('id: 1\nevent: thing.happened\ndata: {"text":"a\\nb\\r\\n\\nc"}\n\n');
    expect(text).toMatch(/^retry: 2000\n\n/);
    expect(text).toMatch(/event: end\ndata: \{"reason":"shutdown",.*\}\n\n$/);
  });

  it('ends a client for which more waits than may, behind what waits', async () => {
    const stream = new EventStream(SERVER_SENT_EVENTS, 1000);
    for (let i = 0; i < 100; i += 1) stream.send(frame(String(i)));
    expect(stream.isOver).toBe(true);
    const text = await everything(stream);
    expect(text.length).toBeLessThan(1500);
    expect(text).toContain(frame('0'));
    expect(text).toContain('"reason":"slow"');
  });

  it('lets a frame through that is longer than what may wait', async () => {
    const stream = new EventStream(SERVER_SENT_EVENTS, 1000);
    const reading = everything(stream);
    await stream.room();
    stream.send(frame('x'.repeat(5000)));
    await new Promise(setImmediate);
    stream.finish('shutdown');
    expect(await reading).toContain(frame('x'.repeat(5000)));
  });

  it('has no room while much waits, and room again once it is read', async () => {
    const stream = new EventStream(SERVER_SENT_EVENTS, 1000);
    stream.send(frame('x'.repeat(700)));
    let hasRoom = false;
    const waiting = stream.room().then(() => (hasRoom = true));
    await new Promise(setImmediate);
    expect(hasRoom).toBe(false);
    stream.resume();
    await waiting;
    stream.destroy();
  });

  it('keeps heartbeats back where they would only wait, and gives room to nobody after its end', async () => {
    const stream = new EventStream(SERVER_SENT_EVENTS, 100);
    stream.send(frame('x'.repeat(90)));
    stream.heartbeat('late');
    stream.destroy();
    await stream.room();
    stream.heartbeat('later');
    expect(stream.isOver).toBe(true);
  });

  it('keeps messages apart where the transport carries messages', async () => {
    const stream = new EventStream(WEBSOCKET_MESSAGES);
    const message = { id: '1', event: 'thing.happened', data: { text: 'a\nb' } };
    stream.heartbeat('0');
    stream.send(WEBSOCKET_MESSAGES.frame(message));
    stream.finish('shutdown');
    const messages = (await stream.toArray()).map((text: string) => JSON.parse(text) as unknown);
    expect(messages).toMatchObject([
      { event: 'open' },
      { event: 'heartbeat', id: '0' },
      message,
      { event: 'end', data: { reason: 'shutdown' } },
    ]);
  });
});
