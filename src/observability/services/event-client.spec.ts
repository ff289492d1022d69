import { describe, expect, it } from '@jest/globals';
import type { PlacedEvent } from '../../common/events/outbox-tail.js';
import type { Principal } from '../../tenancy/index.js';
import { EventClient } from './event-client.js';
import type { EventFrames } from './event-frames.js';
import { SERVER_SENT_EVENTS } from './event-format.js';
import { EventStream } from './event-stream.js';

const [LOW, HIGH] = ['01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-00000000000f'] as const;

const eventAt = (xid: string, id: string): PlacedEvent => ({
  xid,
  id,
  tenantId: 't',
  type: 'deployment.started',
  subjectId: 'd',
  payload: {},
  createdAt: new Date(0),
});

function clientAfter(xid: string, id: string): { client: EventClient; shown: () => Promise<string[]> } {
  const stream = new EventStream(SERVER_SENT_EVENTS);
  const frames = { of: (event: PlacedEvent) => `<${event.xid} ${event.id}>` } as unknown as EventFrames;
  const principal = {
    tenant: { id: 't', name: 't' },
    user: { id: 'u', email: 'u@t', platformAdmin: false },
    permissions: { granted: ['*:read'], denied: [] },
  } as unknown as Principal;
  const client = new EventClient(stream, { filter: {}, after: { xid, id }, principal, frames });
  const shown = async (): Promise<string[]> => {
    stream.finish('shutdown');
    const text = (await stream.toArray()).join('');
    return [...text.matchAll(/<(.*?)>/g)].map(([, place = '']) => place);
  };
  return { client, shown };
}

describe('a client of the event stream', () => {
  it('is not told again what a replica that was further on has told it', async () => {
    const { client, shown } = clientAfter('10', LOW);
    client.goLive();
    for (const event of [eventAt('9', HIGH), eventAt('10', LOW), eventAt('10', HIGH), eventAt('11', LOW)])
      client.event(event);
    expect(await shown()).toEqual([`10 ${HIGH}`, `11 ${LOW}`]);
  });

  it('is told the present only behind the past', async () => {
    const { client, shown } = clientAfter('1', LOW);
    client.event(eventAt('100', LOW));
    client.show(eventAt('20', LOW));
    client.goLive();
    client.event(eventAt('101', LOW));
    expect(await shown()).toEqual([`20 ${LOW}`, `100 ${LOW}`, `101 ${LOW}`]);
  });

  it('is ended where the present piles up behind a long past', () => {
    const { client } = clientAfter('1', LOW);
    for (let xid = 2; xid < 1100; xid += 1) client.event(eventAt(String(xid), LOW));
    expect(client.stream.isOver).toBe(true);
  });

  it('is ended without a principal, or with one of another tenant', () => {
    for (const tenantId of [undefined, 'other']) {
      const { client } = clientAfter('1', LOW);
      client.renew(
        tenantId === undefined
          ? undefined
          : ({ tenant: { id: tenantId }, user: { platformAdmin: false } } as unknown as Principal),
      );
      expect(client.stream.isOver).toBe(true);
    }
  });
});
