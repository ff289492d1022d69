import { describe, expect, it } from '@jest/globals';
import { Peer, resource, snapshot, type Variant } from '../../../test/kit/xds-stream.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { versionOf } from './sotw-stream.js';
import { holdingOf } from './holdings.js';

const c1 = resource('cluster', 'c1', 'v1', ['endpoint/e1']);
const e1 = resource('endpoint', 'e1');
const l1 = resource('listener', 'l1', 'v1', ['route/r1']);
const r1 = resource('route', 'r1');
const whole = snapshot(c1, e1, l1, r1);

/** The order in which an Envoy that starts fresh asks and answers (research/envoy-behaviour.md, "Connecting"). */
function started(variant: Variant, target: CompiledSnapshot = whole): Peer {
  const peer = new Peer(variant).serve(target).open('cluster');
  peer.open('endpoint', { names: [...target.resources('endpoint').keys()] });
  peer.ackAll().open('listener');
  peer.open('route', { names: [...target.resources('route').keys()] }).ackAll();
  peer.took();
  return peer;
}

/** The version that a state-of-the-world client comes back with after it acknowledged all of one kind. */
function claimOf(target: CompiledSnapshot, kind: 'cluster' | 'endpoint' | 'listener' | 'route') {
  const contents = new Map([...target.resources(kind)].map(([name, r]) => [name, holdingOf(r)]));
  const versions = Object.fromEntries([...target.resources(kind)].map(([name, r]) => [name, r.version]));
  return { version: versionOf(contents), versions };
}

describe.each<Variant>(['sotw', 'delta'])('a %s stream', (variant) => {
  it('serves a fresh Envoy in its order and then is converged', () => {
    const peer = new Peer(variant).serve(whole).open('cluster');
    expect(peer.took()).toEqual(['cluster c1=v1']);
    peer.open('endpoint', { names: ['e1'] });
    expect(peer.took()).toEqual(['endpoint e1=v1']);
    peer.ack('cluster').open('listener');
    expect(peer.took()).toEqual([]); // the endpoints are not acknowledged yet
    peer.ack('endpoint');
    expect(peer.took()).toEqual(['listener l1=v1']);
    peer.open('route', { names: ['r1'] }).ack('listener');
    expect(peer.log.of('converged')).toEqual([]);
    peer.ack('route');
    expect(peer.log.of('converged')).toEqual([`converged ${whole.hash.slice(0, 8)}`]);
  });

  it('answers nothing before it is told what to serve, and remembers the requests', () => {
    const peer = new Peer(variant).open('cluster').open('endpoint', { names: ['e1'] });
    expect(peer.took()).toEqual([]);
    peer.serve(whole);
    expect(peer.took()).toEqual(['cluster c1=v1', 'endpoint e1=v1']);
  });

  it('case 3, R4: answers a first request without names for clusters or listeners with all of them', () => {
    const peer = new Peer(variant).serve(snapshot(c1, resource('cluster', 'c2'))).open('cluster');
    expect(peer.took()).toEqual(['cluster c1=v1 c2=v1']);
  });

  it('case 4: takes an explicit "*" of any type for everything', () => {
    const peer = new Peer(variant)
      .serve(whole)
      .open('cluster', { names: ['*'] })
      .open('endpoint', { names: ['*'] });
    expect(peer.took()).toEqual(['cluster c1=v1', 'endpoint e1=v1']);
  });

  it('case 5, case 41: keeps only the names when "*" is given up', () => {
    const before = snapshot(c1, resource('cluster', 'c2'));
    const peer = new Peer(variant)
      .serve(before)
      .open('cluster', { names: ['*', 'c1'] })
      .ackAll();
    peer.want('cluster', ['c1']).ackAll().took();
    peer.serve(snapshot(c1, resource('cluster', 'c2', 'v2'))).ackAll();
    expect(peer.took()).toEqual([]);
    peer.serve(snapshot(resource('cluster', 'c1', 'v2'), resource('cluster', 'c2', 'v2')));
    expect(peer.took()).toEqual(['cluster c1=v2']);
  });

  it('case 6, case 40: ends a legacy wildcard with the first name, for good', () => {
    const peer = new Peer(variant)
      .serve(snapshot(c1, resource('cluster', 'c2')))
      .open('cluster')
      .ackAll();
    peer.want('cluster', ['c1']).ackAll().want('cluster', []).took();
    peer.serve(snapshot(resource('cluster', 'c1', 'v2'), resource('cluster', 'c2', 'v2')));
    expect(peer.took()).toEqual([]);
  });

  it('case 7: answers a first request without names for endpoints or routes with nothing', () => {
    const peer = new Peer(variant).serve(whole).open('endpoint').open('route');
    expect(peer.took()).toEqual([]);
  });

  it('case 8: sends named resources only to who asked for them', () => {
    const target = snapshot(e1, resource('endpoint', 'e2'), resource('endpoint', 'e3'));
    const peer = new Peer(variant).serve(target).open('endpoint', { names: ['e1', 'e2'] });
    expect(peer.took()).toEqual(['endpoint e1=v1 e2=v1']);
  });

  it('case 9, case 45, R8: keeps a subscription to a missing name and serves it when it appears', () => {
    const peer = new Peer(variant).serve(snapshot(e1)).open('endpoint', { names: ['e2'] });
    expect(peer.took()).toEqual(variant === 'delta' ? ['endpoint -e2'] : []);
    peer.ackAll().serve(snapshot(e1, resource('endpoint', 'e2')));
    expect(peer.took()).toEqual(['endpoint e2=v1']);
    peer.ackAll();
    expect(peer.took()).toEqual([]);
  });

  it('case 12: takes the nonce without an error for an ACK and sends nothing until something changes', () => {
    const peer = started(variant);
    expect(peer.log.of('acked')).toHaveLength(4);
    expect(peer.took()).toEqual([]);
  });

  it('case 13, R1, R17: takes error_detail for a NACK and does not offer the refused content again', () => {
    const peer = started(variant);
    const bad = snapshot(resource('cluster', 'c1', 'bad', ['endpoint/e1']), e1, l1, r1);
    peer.serve(bad).ack('endpoint').nack('cluster', 'no such filter').took();
    expect(peer.log.errors).toEqual([{ code: 13, message: 'no such filter' }]);
    peer.serve(bad).serve(snapshot(...bad.resources('cluster').values(), e1, l1, r1));
    expect(peer.took()).toEqual([]);
    expect(peer.log.of('diverged')).toHaveLength(1);
  });

  it('offers the refused content once more when it is told to, and only then', () => {
    const peer = started(variant);
    const bad = snapshot(resource('cluster', 'c1', 'bad', ['endpoint/e1']), e1, l1, r1);
    peer.serve(bad).ack('endpoint').nack('cluster', 'the file is not there').took();
    peer.stream.offerAgain();
    expect(peer.took()[0]).toBe('cluster c1=bad');
    peer.ackAll();
    expect(peer.log.of('converged').at(-1)).toBe(`converged ${bad.hash.slice(0, 8)}`);
    peer.took();
    peer.stream.offerAgain();
    expect(peer.took()).toEqual([]);
  });

  it('case 14: offers the next content after a NACK', () => {
    const peer = started(variant);
    peer
      .serve(snapshot(resource('cluster', 'c1', 'bad'), e1, l1, r1))
      .nack('cluster')
      .ackAll()
      .took();
    const good = snapshot(resource('cluster', 'c1', 'good'), e1, l1, r1);
    peer.serve(good);
    expect(peer.took()).toEqual(['cluster c1=good']);
    peer.ackAll();
    expect(peer.log.of('converged').at(-1)).toBe(`converged ${good.hash.slice(0, 8)}`);
  });

  it('case 15: honours names that come with a NACK', () => {
    const two = snapshot(e1, resource('endpoint', 'e2'));
    const peer = new Peer(variant).serve(two).open('endpoint', { names: ['e1'] });
    const { nonce } = peer.last('endpoint')!;
    peer.took();
    peer.request('endpoint', { names: ['e1', 'e2'], subscribe: ['e2'], nonce, error: 'no' });
    expect(peer.took()).toEqual(['endpoint e2=v1']);
  });

  it('offers all that is desired by now where an older response is refused', () => {
    const peer = started(variant);
    const c2 = resource('cluster', 'c2');
    peer.serve(snapshot(resource('cluster', 'c1', 'bad'), c2, e1, l1, r1)).took();
    peer.serve(snapshot(resource('cluster', 'c1', 'good'), c2, e1, l1, r1)).nack('cluster');
    expect(peer.took()).toEqual(['cluster c1=good c2=v1']);
  });

  it('believes nothing of a refused response: going back sends all its names, and removes what it added', () => {
    const before = snapshot(c1, resource('cluster', 'c2'), resource('cluster', 'c3'), e1, l1, r1);
    const peer = started(variant, before);
    const bad = [resource('cluster', 'c1', 'v2'), resource('cluster', 'c2', 'bad'), resource('cluster', 'c4')];
    peer
      .serve(snapshot(...bad, e1, l1, r1))
      .nack('cluster')
      .ackAll()
      .took();
    peer.serve(before).ackAll();
    const [first, ...rest] = peer.took();
    if (variant === 'sotw') {
      expect(first).toBe('cluster c1=v1 c2=v1 c3=v1');
    } else {
      expect(first).toBe('cluster c1=v1 c2=v1');
      expect(rest).toContain('cluster -c4');
    }
    expect(peer.log.events.at(-1)).toBe(`converged ${before.hash.slice(0, 8)}`);
  });

  it('case 16, R2, case 51: takes no ACK from a nonce that is not the newest', () => {
    const peer = started(variant);
    const old = peer.last('cluster')!.nonce;
    peer.serve(snapshot(resource('cluster', 'c1', 'v2'), e1, l1, r1)).took();
    peer.request('cluster', { nonce: old });
    peer.request('cluster', { nonce: 'never sent', error: 'no' });
    expect(peer.took()).toEqual([]);
    expect(peer.log.events.filter((event) => event === 'acked cluster')).toHaveLength(1);
    expect(peer.log.errors).toEqual([]);
  });

  it('case 17, R3: ignores names with a stale nonce in state of the world, and honours them incrementally', () => {
    const peer = new Peer(variant).serve(snapshot(e1, resource('endpoint', 'e2'))).open('endpoint', { names: ['e1'] });
    peer
      .ackAll()
      .serve(snapshot(resource('endpoint', 'e1', 'v2'), resource('endpoint', 'e2')))
      .took();
    peer.want('endpoint', ['e1', 'e2'], 'stale');
    expect(peer.took()).toEqual([]);
    peer.ack('endpoint');
    expect(peer.took()).toEqual([variant === 'sotw' ? 'endpoint e1=v2 e2=v1' : 'endpoint e2=v1']);
  });

  it('case 18: sends a name that is added although the version is unchanged', () => {
    const peer = new Peer(variant).serve(snapshot(e1, resource('endpoint', 'e2'))).open('endpoint', { names: ['e1'] });
    peer.ackAll().took();
    peer.want('endpoint', ['e1', 'e2']);
    expect(peer.last('endpoint')!.resources.get('e2')).toBe('v1');
  });

  it('case 19, case 49: sends no more of a name that is given up', () => {
    const peer = new Peer(variant).serve(snapshot(e1, resource('endpoint', 'e2')));
    peer
      .open('endpoint', { names: ['e1', 'e2'] })
      .ackAll()
      .took();
    peer.want('endpoint', ['e1']);
    // In state of the world the rest comes once more, under the version by which the client can prove to have it.
    expect(peer.took()).toEqual(variant === 'sotw' ? ['endpoint e1=v1'] : []);
    peer.ackAll().serve(snapshot(e1, resource('endpoint', 'e2', 'v2')));
    expect(peer.took()).toEqual([]);
    if (variant === 'sotw') expect(peer.last('endpoint')!.version).toBe(claimOf(snapshot(e1), 'endpoint').version);
  });

  it('case 20, R9: sends a name again that was given up and is asked for again', () => {
    const peer = new Peer(variant)
      .serve(snapshot(e1))
      .open('endpoint', { names: ['e1'] })
      .ackAll();
    peer.want('endpoint', []).want('endpoint', ['e1']);
    expect(peer.took()).toEqual(['endpoint e1=v1', 'endpoint e1=v1']);
  });

  it('case 21: gives every response of a stream a nonce of its own, also where frames are shared', () => {
    const [a, b] = [snapshot(e1), snapshot(resource('endpoint', 'e1', 'v2'))];
    const other = new Peer(variant)
      .serve(a)
      .open('endpoint', { names: ['e1'] })
      .ackAll()
      .serve(b)
      .ackAll();
    const peer = new Peer(variant)
      .serve(a)
      .open('endpoint', { names: ['e1'] })
      .ackAll();
    expect(peer.frames[0]).toBe(other.frames[0]);
    for (const target of [b, a, b, a]) peer.serve(target).ackAll();
    const nonces = peer.responses.map((response) => response.nonce);
    expect(new Set(nonces).size).toBe(5);
  });

  it('case 22: keeps types apart', () => {
    const peer = started(variant);
    peer.serve(snapshot(resource('cluster', 'c1', 'bad'), resource('endpoint', 'e1', 'v2'), l1, r1)).took();
    peer.nack('cluster').ack('endpoint');
    expect(peer.log.of('acked endpoint')).toHaveLength(2);
    peer.serve(snapshot(resource('cluster', 'c1', 'bad'), resource('endpoint', 'e1', 'v3'), l1, r1));
    expect(peer.took()).toEqual(['endpoint e1=v3']);
  });

  it('case 23: sends a resource once however often it is named', () => {
    const peer = new Peer(variant).serve(snapshot(e1)).open('endpoint', { names: ['e1', 'e1', 'e1'] });
    expect(peer.took()).toEqual(['endpoint e1=v1']);
  });

  it('case 24, case 46, R10: sends nothing to a client that comes back with what it should have', () => {
    const peer = new Peer(variant).serve(whole);
    peer.open('cluster', claimOf(whole, 'cluster')).open('endpoint', { names: ['e1'], ...claimOf(whole, 'endpoint') });
    peer.open('listener', claimOf(whole, 'listener')).open('route', { names: ['r1'], ...claimOf(whole, 'route') });
    expect(peer.took()).toEqual([]);
    expect(peer.log.of('converged')).toHaveLength(1);
  });

  it('sends nothing to such a client either where it is told what to serve only afterwards', () => {
    const peer = new Peer(variant);
    peer.open('cluster', claimOf(whole, 'cluster')).open('endpoint', { names: ['e1'], ...claimOf(whole, 'endpoint') });
    peer.open('listener', claimOf(whole, 'listener')).open('route', { names: ['r1'], ...claimOf(whole, 'route') });
    peer.serve(whole);
    expect(peer.took()).toEqual([]);
    expect(peer.log.of('converged')).toHaveLength(1);
  });

  it.each(['endpoint', 'route'] as const)('R10: sends a client that comes back just the %s that changed', (kind) => {
    const changed = kind === 'endpoint' ? resource('endpoint', 'e1', 'v2') : resource('route', 'r1', 'v2');
    const target = snapshot(c1, l1, kind === 'endpoint' ? changed : e1, kind === 'route' ? changed : r1);
    const peer = new Peer(variant).serve(target);
    peer.open('cluster', claimOf(whole, 'cluster')).open('endpoint', { names: ['e1'], ...claimOf(whole, 'endpoint') });
    peer.open('listener', claimOf(whole, 'listener')).open('route', { names: ['r1'], ...claimOf(whole, 'route') });
    peer.ackAll();
    expect(peer.took()).toEqual([`${kind} ${changed.name}=v2`]);
    expect(peer.log.of('converged')).toHaveLength(1);
  });

  it('heals a stream that broke while a cluster warmed: its endpoints are sent, whatever the client claims', () => {
    // Recorded: after the break Envoy asks for endpoints and listeners first, and for clusters only 15 s later.
    const target = snapshot(resource('cluster', 'c1', 'v2', ['endpoint/e1']), e1, l1, r1);
    const peer = new Peer(variant).serve(target).open('endpoint', { names: ['e1'], ...claimOf(whole, 'endpoint') });
    expect(peer.took()).toEqual(['endpoint e1=v1']);
    peer.open('listener', claimOf(whole, 'listener')).ackAll();
    peer.open('cluster', claimOf(target, 'cluster'));
    expect(peer.took()).toEqual([]);
  });

  it('case 25: sends everything to a client that comes back with versions nobody knows', () => {
    const peer = new Peer(variant).serve(whole).open('cluster', { version: 'x', versions: { c1: 'x', old: 'y' } });
    expect(peer.took()).toEqual(['cluster c1=v1']);
    peer.ackAll();
    expect(peer.took()).toEqual(variant === 'delta' ? ['cluster -old'] : []);
  });

  it('case 26: sends nothing for a snapshot of equal content', () => {
    const peer = started(variant);
    peer.serve(snapshot(c1, e1, l1, r1));
    expect(peer.took()).toEqual([]);
  });

  it('case 27: sends a slow client only the newest of many', () => {
    const peer = started(variant);
    for (let i = 2; i <= 11; i++) peer.serve(snapshot(c1, resource('endpoint', 'e1', `v${i}`), l1, r1));
    peer.ackAll();
    expect(peer.took()).toEqual(['endpoint e1=v2', 'endpoint e1=v11']);
  });

  it('writes nothing to a sink that is full, and then only the newest', () => {
    const peer = new Peer(variant);
    peer.writable = false;
    peer
      .serve(whole)
      .open('cluster')
      .open('endpoint', { names: ['e1'] });
    peer.serve(snapshot(c1, resource('endpoint', 'e1', 'v2'), l1, r1));
    expect(peer.took()).toEqual(['cluster c1=v1']);
    peer.stream.onWritable();
    expect(peer.took()).toEqual(['endpoint e1=v2']);
  });

  it('case 29: sends and reports nothing after it is closed', () => {
    const peer = started(variant);
    const events = peer.log.events.length;
    peer.stream.close();
    peer.serve(snapshot(resource('cluster', 'c1', 'v2'))).open('secret', { names: ['s'] });
    peer.stream.onWritable();
    expect(peer.took()).toEqual([]);
    expect(peer.log.events).toHaveLength(events);
  });

  it('case 31: leaves a type that it does not serve unanswered, and the stream in order', () => {
    const peer = new Peer(variant).serve(whole);
    const unknown = { typeUrl: 'type.googleapis.com/x.Y', responseNonce: '', errorDetail: null, node: null };
    peer.stream.onRequest({
      ...unknown,
      ...{ versionInfo: '', resourceNames: [], subscribe: [], unsubscribe: [], initialResourceVersions: new Map() },
    });
    expect(peer.open('cluster').took()).toEqual(['cluster c1=v1']);
  });

  it('case 32, R7: answers a client that claims nothing with nothing where there is no assignment, so that it starts', () => {
    const peer = new Peer(variant).serve(null).open('cluster').open('listener').ackAll();
    expect(peer.took()).toEqual(['cluster', 'listener']);
    expect(peer.log.of('unmanaged')).toEqual([]);
    peer
      .serve(whole)
      .open('endpoint', { names: ['e1'] })
      .open('route', { names: ['r1'] })
      .ackAll();
    expect(peer.took()).toEqual(['cluster c1=v1', 'endpoint e1=v1', 'listener l1=v1', 'route r1=v1']);
  });

  it('sends a client nothing that claims resources without an assignment, and serves it when one comes', () => {
    const peer = new Peer(variant).serve(null).open('cluster', { version: 'theirs', versions: { old: 'theirs' } });
    peer.open('listener', { version: 'theirs', versions: { old: 'theirs' } });
    expect(peer.took()).toEqual([]);
    expect(peer.log.of('unmanaged')).toEqual(['unmanaged']);
    peer.serve(whole);
    expect(peer.took()).toEqual(['cluster c1=v1']);
  });

  it('takes nothing away from a client whose assignment ended', () => {
    const peer = started(variant).serve(null);
    expect(peer.took()).toEqual([]);
    expect(peer.log.events.at(-1)).toBe('diverged');
  });

  it('R7: answers a first wildcard request also where the snapshot has nothing of the type', () => {
    const peer = new Peer(variant)
      .serve(snapshot(c1, e1))
      .open('cluster')
      .open('endpoint', { names: ['e1'] });
    peer.ackAll().open('listener').ackAll();
    expect(peer.took()).toEqual(['cluster c1=v1', 'endpoint e1=v1', 'listener']);
    expect(peer.log.of('converged')).toHaveLength(1);
  });

  it('case 33, case 34: sends listeners and routes only when clusters and endpoints are acknowledged', () => {
    const peer = started(variant);
    const next = snapshot(
      resource('cluster', 'c1', 'v2', ['endpoint/e1']),
      resource('endpoint', 'e1', 'v2'),
      resource('listener', 'l1', 'v2', ['route/r1']),
      resource('route', 'r1', 'v2'),
    );
    peer.serve(next);
    expect(peer.took()).toEqual(['cluster c1=v2', 'endpoint e1=v2']);
    peer.ack('endpoint');
    expect(peer.took()).toEqual([]);
    peer.ack('cluster');
    expect(peer.took()).toEqual(['listener l1=v2', 'route r1=v2']);
    peer.ackAll();
    expect(peer.log.events.at(-1)).toBe(`converged ${next.hash.slice(0, 8)}`);
  });

  it('case 10, case 35, case 44: removes a cluster after the routes that used it, once', () => {
    const peer = started(variant);
    const c2 = resource('cluster', 'c2', 'v1', ['endpoint/e2']);
    const e2 = resource('endpoint', 'e2');
    peer.serve(snapshot(c2, e2, l1, resource('route', 'r1', 'v2')));
    expect(peer.took()).toEqual([variant === 'sotw' ? 'cluster c1=v1 c2=v1' : 'cluster c2=v1']);
    peer.want('endpoint', ['e1', 'e2']).ack('endpoint').ack('cluster');
    const [endpoints, routes] = peer.took();
    expect(endpoints).toBe('endpoint e2=v1');
    expect(routes).toBe('route r1=v2');
    peer.ack('route');
    expect(peer.took()).toEqual([variant === 'sotw' ? 'cluster c2=v1' : 'cluster -c1']);
    peer.want('endpoint', ['e2']).ackAll();
    expect(peer.took()).toEqual(variant === 'sotw' ? ['endpoint e2=v1'] : []); // its version without e1, see case 19
  });

  it('moves an address from one listener to another in one response', () => {
    const peer = started(variant);
    peer.serve(snapshot(c1, e1, resource('listener', 'l2', 'v1', ['route/r1']), r1));
    expect(peer.took()[0]).toBe(variant === 'sotw' ? 'listener l2=v1' : 'listener l2=v1 -l1');
  });

  it('case 36, case 37, R11: sends the children of a changed parent right behind it, unchanged as they are', () => {
    const peer = started(variant);
    peer.serve(snapshot(resource('cluster', 'c1', 'v2', ['endpoint/e1']), e1, l1, r1));
    expect(peer.took()).toEqual(['cluster c1=v2', 'endpoint e1=v1']);
    peer.ackAll();
    const target = snapshot(
      resource('cluster', 'c1', 'v2', ['endpoint/e1']),
      e1,
      resource('listener', 'l1', 'v2', ['route/r1']),
      r1,
    );
    peer.serve(target);
    expect(peer.took()).toEqual(['listener l1=v2', 'route r1=v1']);
  });

  it('case 38, case 39: sends a change of endpoints or of a secret alone', () => {
    const s1 = resource('secret', 's1');
    const peer = started(variant, snapshot(c1, e1, l1, r1, s1))
      .open('secret', { names: ['s1'] })
      .ackAll();
    peer.took();
    peer.serve(snapshot(c1, resource('endpoint', 'e1', 'v2'), l1, r1, resource('secret', 's1', 'v2')));
    expect(peer.took()).toEqual(['endpoint e1=v2', 'secret s1=v2']);
  });

  it('holds listeners and routes back after a refused cluster, but not endpoints', () => {
    const peer = started(variant);
    const bad = resource('cluster', 'c1', 'bad', ['endpoint/e1']);
    const [l2, r2] = [resource('listener', 'l1', 'v2', ['route/r1']), resource('route', 'r1', 'v2')];
    peer
      .serve(snapshot(bad, e1, l2, r2))
      .nack('cluster')
      .ackAll()
      .took();
    peer.serve(snapshot(bad, resource('endpoint', 'e1', 'v2'), l2, r2)).ackAll();
    expect(peer.took()).toEqual(['endpoint e1=v2']);
  });

  it('keeps what the old listeners need while the new ones are refused', () => {
    const peer = started(variant);
    peer.serve(snapshot(resource('cluster', 'c2'), resource('listener', 'l1', 'bad', ['route/r1']), r1));
    peer.ack('cluster').nack('listener').ackAll();
    expect(peer.took()).toEqual([
      variant === 'sotw' ? 'cluster c1=v1 c2=v1' : 'cluster c2=v1',
      'listener l1=bad',
      'route r1=v1',
    ]);
  });

  it('starts a transition over towards the newest when it is overtaken', () => {
    const peer = started(variant);
    peer.serve(snapshot(resource('cluster', 'c2'), l1, resource('route', 'r1', 'to c2'))).took();
    const newest = snapshot(resource('cluster', 'c3'), l1, resource('route', 'r1', 'to c3'));
    peer.serve(newest).ackAll();
    const news = peer.took();
    expect(news[0]).toBe(variant === 'sotw' ? 'cluster c1=v1 c2=v1 c3=v1' : 'cluster c3=v1');
    expect(news).toContain('route r1=to c3');
    expect(news).not.toContain('route r1=to c2');
    expect(news.find((line) => line.startsWith('cluster') && line !== news[0])).toBe(
      variant === 'sotw' ? 'cluster c3=v1' : 'cluster -c1 -c2',
    );
  });

  it('serves another snapshot from inside the event of a NACK', () => {
    const peer = started(variant);
    peer.log.onNack = () => peer.serve(whole);
    peer.serve(snapshot(resource('cluster', 'c1', 'bad', ['endpoint/e1']), e1, l1, r1)).took();
    peer.nack('cluster').ackAll();
    expect(peer.took()[0]).toBe('cluster c1=v1');
    expect(peer.log.events.at(-1)).toBe(`converged ${whole.hash.slice(0, 8)}`);
  });

  it('sends the newest where another snapshot is served from inside the event of a response', () => {
    const peer = started(variant);
    const next = (version: string) =>
      snapshot(resource('cluster', 'c1', 'v2'), resource('endpoint', 'e1', version), l1, r1);
    const newest = next('v3');
    peer.log.onSent = () => peer.serve(newest);
    peer.serve(next('v2'));
    expect(peer.took()).toEqual(['cluster c1=v2', 'endpoint e1=v3']);
  });

  it('is quiet where it is closed from inside the event of an ACK', () => {
    const peer = new Peer(variant).serve(whole).open('cluster');
    peer.log.onAck = () => peer.stream.close();
    peer.want('cluster', ['c1']);
    expect(peer.log.events).toEqual(['subscribed cluster *+0', 'sent cluster', 'acked cluster']);
    expect(peer.took()).toEqual(['cluster c1=v1']);
  });

  it('serves a proxyless client, which asks for listeners first and names everything', () => {
    const peer = new Peer(variant)
      .serve(whole)
      .open('listener', { names: ['l1'] })
      .ackAll();
    peer
      .open('route', { names: ['r1'] })
      .ackAll()
      .open('cluster', { names: ['c1'] })
      .ackAll();
    peer.open('endpoint', { names: ['e1'] }).ackAll();
    expect(peer.took()).toEqual(['listener l1=v1', 'route r1=v1', 'cluster c1=v1', 'endpoint e1=v1']);
    expect(peer.log.of('converged')).toHaveLength(1);
  });

  it('is not converged while a listener waits for its routes, or a root type was not asked for', () => {
    const peer = new Peer(variant)
      .serve(whole)
      .open('cluster')
      .open('endpoint', { names: ['e1'] })
      .ackAll();
    expect(peer.log.of('converged')).toEqual([]);
    peer.open('listener').ackAll();
    expect(peer.log.of('converged')).toEqual([]);
    peer.open('route', { names: ['r1'] }).ackAll();
    expect(peer.log.of('converged')).toHaveLength(1);
    peer.serve(snapshot(c1, resource('endpoint', 'e1', 'v2'), l1, r1));
    expect(peer.log.events.slice(-2)).toEqual(['sent endpoint', 'diverged']);
  });
});

describe('an incremental stream', () => {
  it('case 48, R9: sends a name that is asked for again, held and unchanged as it is', () => {
    const peer = started('delta');
    peer.request('endpoint', { subscribe: ['e1'] });
    expect(peer.took()).toEqual(['endpoint e1=v1']);
    peer.request('endpoint', { subscribe: ['e1'] }); // while the answer to the last is on the way
    expect(peer.took()).toEqual([]);
    peer.ack('endpoint');
    expect(peer.took()).toEqual(['endpoint e1=v1']);
  });

  it('case 42, R5: sends a name again that falls back to the wildcard', () => {
    const peer = new Peer('delta')
      .serve(snapshot(c1))
      .open('cluster', { names: ['*', 'c1'] })
      .ackAll();
    peer.took();
    peer.want('cluster', ['*']);
    expect(peer.took()).toEqual(['cluster c1=v1']);
  });

  it('case 43: sends exactly the one of many that changed', () => {
    const many = Array.from({ length: 100 }, (_, i) => resource('cluster', `c${i}`));
    const peer = new Peer('delta')
      .serve(snapshot(...many))
      .open('cluster')
      .ackAll();
    peer.took();
    peer.serve(snapshot(...many.slice(1), resource('cluster', 'c0', 'v2')));
    expect(peer.took()).toEqual(['cluster c0=v2']);
    expect(peer.last('cluster')!.versions.get('c0')).toBe(resource('cluster', 'c0', 'v2').version);
  });

  it('case 46: of what a client comes back with, sends what changed and removes what is gone', () => {
    const [a, b, x] = [resource('cluster', 'a'), resource('cluster', 'b'), resource('cluster', 'x')];
    const peer = new Peer('delta').serve(snapshot(resource('cluster', 'a', 'v2'), b));
    peer.open('cluster', { versions: { a: a.version, b: b.version, x: x.version } }).ackAll();
    expect(peer.took()).toEqual(['cluster a=v2', 'cluster -x']);
  });

  it('case 47: ignores initial versions in any but the first request of a type', () => {
    const peer = new Peer('delta').serve(snapshot(e1)).open('endpoint', { names: [] });
    peer.request('endpoint', { subscribe: ['e1'], versions: { e1: e1.version } });
    expect(peer.took()).toEqual(['endpoint e1=v1']);
  });

  it('case 50: takes subscriptions without a nonce between a response and its ACK', () => {
    const peer = new Peer('delta').serve(snapshot(e1, resource('endpoint', 'e2'))).open('endpoint', { names: ['e1'] });
    peer.request('endpoint', { subscribe: ['e2'] });
    expect(peer.took()).toEqual(['endpoint e1=v1']);
    peer.ack('endpoint');
    expect(peer.took()).toEqual(['endpoint e2=v1']);
  });

  it('R13: never removes an extension configuration', () => {
    const x1 = resource('extensionConfig', 'x1');
    const peer = new Peer('delta')
      .serve(snapshot(x1))
      .open('extensionConfig', { names: ['x1'] })
      .ackAll();
    peer.serve(snapshot());
    expect(peer.took()).toEqual(['extensionConfig x1=v1']);
  });
});

describe('a state-of-the-world stream', () => {
  it('case 11: sends all requested names when one of them changed', () => {
    const peer = new Peer('sotw')
      .serve(snapshot(e1, resource('endpoint', 'e2')))
      .open('endpoint', { names: ['e1', 'e2'] });
    peer.ackAll().took();
    peer.serve(snapshot(e1, resource('endpoint', 'e2', 'v2')));
    expect(peer.took()).toEqual(['endpoint e1=v1 e2=v2']);
  });

  it('R11: answers an Envoy that asks again with the names, version and nonce that it acknowledged', () => {
    const peer = started('sotw');
    peer.ack('endpoint');
    expect(peer.took()).toEqual(['endpoint e1=v1']);
    peer.ackAll();
    expect(peer.took()).toEqual([]);
  });

  it('tells a client that names clusters or listeners what is missing, by leaving it out', () => {
    const peer = new Peer('sotw').serve(snapshot(c1)).open('cluster', { names: ['gone'] });
    expect(peer.took()).toEqual(['cluster']);
    peer.ackAll().want('cluster', ['gone', 'c1']);
    expect(peer.took()).toEqual(['cluster c1=v1']);
  });

  it('takes the version of an empty set for a claim of nothing', () => {
    const peer = new Peer('sotw').serve(null).open('cluster', claimOf(snapshot(), 'cluster')).open('listener');
    expect(peer.took()).toEqual(['listener']);
    expect(peer.log.of('unmanaged')).toEqual([]);
  });
});

describe('case 53: both variants', () => {
  it('serve the same content', () => {
    const contents = (['sotw', 'delta'] as const).map((variant) => {
      const peer = new Peer(variant)
        .serve(whole)
        .open('cluster')
        .open('endpoint', { names: ['e1'] });
      return [...peer.last('cluster')!.resources, ...peer.last('endpoint')!.resources];
    });
    expect(contents[0]).toEqual(contents[1]);
  });
});
