import type { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { type RequestContext, systemContext } from '../../../src/common/context/request-context.js';
import type { Database } from '../../../src/common/database/database.js';
import { appendEvent, OutboxReader } from '../../../src/common/database/outbox.js';
import { EventFeed } from '../../../src/observability/services/event-feed.js';
import { SERVER_SENT_EVENTS } from '../../../src/observability/services/event-format.js';
import { EventFrames } from '../../../src/observability/services/event-frames.js';
import { EventPositions } from '../../../src/observability/services/event-positions.js';
import { Events } from '../../../src/observability/services/events.service.js';
import { OutboxPruning } from '../../../src/observability/services/outbox-pruning.js';
import { StreamCredentials } from '../../../src/observability/services/stream-credentials.js';
import type { Principal, Principals } from '../../../src/tenancy/index.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';
import { EventListener } from '../../kit/event-listener.js';
import { eventually } from '../../kit/eventually.js';
import { KEYS } from '../tenancy/app.js';

describe('streams of events', () => {
  let db: TestDatabase;
  let database: Database;
  let feed: EventFeed;
  let events: Events;
  let credentials: StreamCredentials;
  let ctx: RequestContext;
  let principal: Principal;
  let known: Principal | undefined;
  const open: Readable[] = [];
  const positions = new EventPositions(KEYS);

  const append = (subjectId: string, type = 'deployment.started', payload = {}) =>
    database.tenant(ctx, (tx) => appendEvent(tx, { tenantId: ctx.tenantId, type, subjectId, payload }));
  const follow = (options: Partial<Parameters<Events['follow']>[2]> = {}, lastEventId?: string) => {
    const request = {
      principal,
      credential: 'x',
      format: SERVER_SENT_EVENTS,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    };
    const stream = events.follow(ctx, request, { begin: 'now', ...options });
    open.push(stream);
    return new EventListener(stream);
  };

  beforeAll(async () => {
    db = await createTestDatabase();
    database = await db.open({ poolSize: 6 });
    feed = new EventFeed(database);
    const recheck = (credentials: readonly string[]) =>
      Promise.resolve(new Map(known ? credentials.map((credential) => [credential, known]) : []));
    const openTenants = (ids: ReadonlySet<string>) => Promise.resolve(ids);
    credentials = new StreamCredentials({ recheck, openTenants } as unknown as Principals);
    events = new Events(database, feed, positions, new EventFrames(positions), credentials);
    credentials.onApplicationBootstrap();
    feed.onApplicationBootstrap();
    await eventually('the first look', () => feed.position);
  });
  afterAll(async () => {
    for (const stream of open) stream.destroy();
    await feed.beforeApplicationShutdown();
    await credentials.beforeApplicationShutdown();
    await db.drop();
  });
  beforeEach(() => {
    ctx = systemContext(newId(), 'test');
    principal = {
      kind: 'user',
      tenant: { id: ctx.tenantId, name: 't' },
      user: { id: newId(), email: 'a@b', platformAdmin: false },
      role: 'viewer',
      permissions: { granted: ['*:read'], denied: [] },
    };
    known = principal;
  });

  it('tell each event of the tenant once, as it was committed', async () => {
    const listener = follow();
    await append('1', 'deployment.started', { of: 'edge' });
    await append('2');
    const mine = ctx;
    ctx = systemContext(newId(), 'other');
    await append('foreign');
    ctx = mine;
    await append('3');
    await listener.until(3);
    expect(listener.subjects()).toEqual(['1', '2', '3']);
    expect(listener.messages[0]).toMatchObject({
      event: 'deployment.started',
      data: { type: 'deployment.started', subjectId: '1', payload: { of: 'edge' } },
    });
  });

  it('tell only what the principal may read, and what was asked for', async () => {
    principal = { ...principal, permissions: { granted: ['deployments:read'], denied: [] } };
    known = principal;
    const narrow = follow();
    const one = follow({ subjectId: '2' });
    const typed = follow({ types: ['deployment.target.*'] });
    await append('1', 'configuration.version.committed');
    await append('1', 'deployment.started');
    await append('2', 'deployment.target.failed');
    await narrow.until(2);
    await one.until(1);
    await typed.until(1);
    expect(narrow.types).toEqual(['deployment.started', 'deployment.target.failed']);
    expect(one.types).toEqual(['deployment.target.failed']);
    expect(typed.types).toEqual(['deployment.target.failed']);
  });

  it('go on behind the last id, losing and repeating nothing, while others write', async () => {
    const subjects = Array.from({ length: 600 }, (_, i) => String(i));
    const writing = (async () => {
      for (const subject of subjects) await append(subject);
    })();
    const told: string[] = [];
    let lastId: string | undefined;
    while (told.length < subjects.length) {
      const listener = follow({ begin: 'oldest' }, lastId);
      await listener.until(Math.min(70, subjects.length - told.length));
      listener.stream.destroy();
      told.push(...listener.subjects());
      lastId = listener.lastId;
    }
    await writing;
    expect(told).toEqual(subjects);
  });

  it('go on from where they began when nothing was told before they broke', async () => {
    const listener = follow();
    await eventually('the first id', () => listener.lastId);
    listener.stream.destroy();
    await append('between');
    const next = follow({}, listener.lastId);
    await next.until(1);
    expect(next.subjects()).toEqual(['between']);
  });

  it('say so when an id is too old, of another tenant or no id at all, and go on from now', async () => {
    await append('missed');
    const { xid, id, at } = feed.position;
    const old = positions.idOf(ctx.tenantId, { xid: '1', id, at: at - 25 * 3_600_000 });
    const foreign = positions.idOf(newId(), { xid, id, at });
    await eventually('the feed to pass', () => (feed.position.xid === xid ? undefined : true));
    for (const lastId of [old, foreign, 'v1.x', '7']) {
      const listener = follow({}, lastId);
      await append(lastId);
      await listener.until(2);
      expect(listener.types).toEqual(['reset', 'deployment.started']);
      expect(listener.messages[1]!.data.subjectId).toBe(lastId);
      expect(listener.messages[0]!.id).toBeDefined();
    }
  });

  it('cut a client off that does not read, which then goes on by its last id', async () => {
    const slow = events.follow(ctx, { principal, credential: 'x', format: SERVER_SENT_EVENTS }, { begin: 'now' });
    open.push(slow);
    const payload = { text: 'x'.repeat(20_000) };
    const writing = (async () => {
      for (let i = 0; i < 40; i += 1) await append(String(i), 'deployment.started', payload);
    })();
    await eventually('the end', () => (slow.isOver ? true : undefined));
    const listener = new EventListener(slow);
    await eventually('the last message', () => (listener.types.at(-1) === 'end' ? true : undefined));
    expect(listener.messages.at(-1)!.data).toMatchObject({ reason: 'slow' });
    await writing;
    const told = listener.subjects().slice(0, -1);
    const next = follow({}, listener.lastId);
    await next.until(40 - told.length);
    expect([...told, ...next.subjects()]).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
  });

  it('take a long past at the pace of the client', async () => {
    const payload = { text: 'x'.repeat(20_000) };
    for (let i = 0; i < 40; i += 1) await append(String(i), 'deployment.started', payload);
    await eventually('the feed to be past them', async () => {
      const [row] = await db.sql<{ xid: string }>('select max(xid) as xid from outbox_events');
      return BigInt(feed.position.xid) >= BigInt(row!.xid) ? true : undefined;
    });
    const listener = follow({ begin: 'oldest' });
    await listener.until(40);
    expect(listener.types).not.toContain('end');
  });

  it('end within seconds of the end of the credential', async () => {
    const listener = follow();
    known = undefined;
    await listener.until(1);
    expect(listener.messages[0]).toMatchObject({ event: 'end', data: { reason: 'credential' } });
    await eventually('the end of the stream', () => (listener.stream.readableEnded ? true : undefined));
    expect(feed.listening(ctx.tenantId)).toBe(0);
  });

  it('follow a narrowed permission', async () => {
    const listener = follow();
    known = { ...principal, permissions: { granted: ['configurations:read'], denied: [] } };
    await eventually('only what is still allowed', async () => {
      const before = listener.messages.length;
      await append('d', 'deployment.started');
      await append('c', 'configuration.version.committed');
      await listener.until(before + 1);
      return listener.messages.slice(before).every(({ data }) => data.subjectId === 'c') ? true : undefined;
    });
  });

  it('are bounded per tenant', () => {
    const streams = Array.from({ length: 200 }, () => follow().stream);
    expect(() => follow()).toThrow(expect.objectContaining({ definition: expect.objectContaining({ status: 429 }) }));
    for (const stream of streams) stream.destroy();
  });

  it('end when the process does', async () => {
    const other = new EventFeed(database);
    other.onApplicationBootstrap();
    await eventually('the first look', () => other.position);
    const service = new Events(database, other, positions, new EventFrames(positions), credentials);
    const listener = new EventListener(
      service.follow(ctx, { principal, credential: 'x', format: SERVER_SENT_EVENTS }, { begin: 'now' }),
    );
    await other.beforeApplicationShutdown();
    await listener.until(1);
    expect(listener.messages[0]!.data).toMatchObject({ reason: 'shutdown' });
  });

  it('lose old events only once every consumer has read them', async () => {
    await db.sql('delete from outbox_events');
    await append('old');
    await append('new');
    await db.sql(`update outbox_events set created_at = now() - interval '26 hours' where subject_id = 'old'`);
    const reader = new OutboxReader(database, 'late');
    await database.system((tx) => tx.query(`insert into outbox_cursors values ('late', '0', $1)`, [newId()]));
    const kept = async () => (await db.sql<{ subject_id: string }>('select subject_id from outbox_events')).length;
    const pruning = new OutboxPruning(database, 20);
    pruning.onApplicationBootstrap();
    await eventually('a turn', async () =>
      (await db.sql('select from leases where name = $1', ['outbox-pruning'])).length > 0 ? true : undefined,
    );
    expect(await kept()).toBe(2);
    await eventually('the consumer', async () =>
      (await reader.next(10, () => Promise.resolve())) > 0 ? true : undefined,
    );
    await eventually('the end of the old one', async () => ((await kept()) === 1 ? true : undefined));
    await pruning.beforeApplicationShutdown();
  });
});
