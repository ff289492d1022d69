import { describe, expect, it } from '@jest/globals';
import { Peer, resource, snapshot } from '../../../test/kit/xds-stream.js';
import { versionOf } from './sotw-stream.js';
import { holdingOf } from './holdings.js';

/**
 * What an Envoy 1.40 was recorded to send, request by request and in its order (research/envoy-behaviour.md and the transcripts
 * beside it), against the machines. The recordings' server was scripted; here the machines answer.
 */
const c1 = resource('cluster', 'c1', 'v1', ['endpoint/c1']);
const c2 = resource('cluster', 'c2');
const e1 = resource('endpoint', 'c1');
const l1 = resource('listener', 'l1', 'v1', ['route/rc1']);
const rc1 = resource('route', 'rc1');
const v1 = snapshot(c1, c2, e1, l1, rc1);
const versionOfSet = (...resources: (typeof c1)[]) => versionOf(new Map(resources.map((r) => [r.name, holdingOf(r)])));

describe('a recorded Envoy', () => {
  it('starts, comes back after a break, and is restarted (reconnect, incremental)', () => {
    const first = new Peer('delta')
      .serve(v1)
      .open('cluster')
      .open('endpoint', { names: ['c1'] })
      .ack('cluster');
    first
      .open('listener')
      .ack('endpoint')
      .open('route', { names: ['rc1'] })
      .ack('listener')
      .ack('route');
    expect(first.took()).toEqual(['cluster c1=v1 c2=v1', 'endpoint c1=v1', 'listener l1=v1', 'route rc1=v1']);
    expect(first.log.of('converged')).toHaveLength(1);

    const second = new Peer('delta').serve(v1);
    second.open('cluster', { versions: { c1: c1.version, c2: c2.version } });
    second.open('endpoint', { names: ['c1'], versions: { c1: e1.version } });
    second.open('listener', { versions: { l1: l1.version } });
    second.open('route', { names: ['rc1'], versions: { rc1: rc1.version } });
    expect(second.took()).toEqual([]);
    expect(second.log.of('converged')).toHaveLength(1);

    const fresh = new Peer('delta').serve(v1).open('cluster');
    expect(fresh.took()).toEqual(['cluster c1=v1 c2=v1']);
  });

  it('asks again for the endpoints of a cluster that changed, with the old nonce (eds-right-behind, state of the world)', () => {
    const peer = new Peer('sotw')
      .serve(snapshot(c1, e1))
      .open('cluster')
      .open('endpoint', { names: ['c1'] });
    peer.ack('cluster').open('listener').ack('endpoint').ack('listener').took();
    const old = peer.last('endpoint')!.nonce;
    peer.serve(snapshot(resource('cluster', 'c1', 'v2', ['endpoint/c1']), e1));
    expect(peer.took()).toEqual(['cluster c1=v2', 'endpoint c1=v1']);
    peer.request('endpoint', { names: ['c1'], nonce: old, version: versionOfSet(e1) });
    peer.ack('cluster').ack('endpoint');
    expect(peer.took()).toEqual([]);
    expect(peer.log.of('converged')).toHaveLength(2);
  });

  it('loses its stream between cluster and endpoints (break-in-warming, both variants)', () => {
    const v2 = snapshot(resource('cluster', 'c1', 'v2', ['endpoint/c1']), e1, l1, rc1);
    const sotw = new Peer('sotw').serve(v2).open('endpoint', { names: ['c1'], version: versionOfSet(e1) });
    const delta = new Peer('delta').serve(v2).open('endpoint', { names: ['c1'], versions: { c1: e1.version } });
    for (const peer of [sotw, delta]) expect(peer.took()).toEqual(['endpoint c1=v1']);
  });

  it('refuses one cluster of several and claims untruths after a break (nack-partial, incremental)', () => {
    const before = snapshot(resource('cluster', 'c1'), resource('cluster', 'c2'), resource('cluster', 'c3'));
    const after = [resource('cluster', 'c1', 'v2'), resource('cluster', 'c2', 'bad'), resource('cluster', 'c4')];
    const peer = new Peer('delta').serve(before).open('cluster').ackAll().open('listener').ackAll();
    peer.took();
    peer.serve(snapshot(...after));
    expect(peer.took()).toEqual(['cluster c1=v2 c2=bad c4=v1']);
    peer.nack('cluster', "Error adding/updating cluster(s) c2: Didn't find a registered implementation");
    expect(peer.took()).toEqual([]);
    peer.serve(before).ackAll();
    expect(peer.took()).toEqual(['cluster c1=v1 c2=v1', 'cluster -c4']); // c3 was never removed: removals come last
  });

  it('finds its port in use, and takes the same listener when it is free (nack-port-in-use)', () => {
    const moved = snapshot(resource('listener', 'l1', 'taken', ['route/rc1']), rc1);
    const peer = new Peer('delta').serve(snapshot(l1, rc1)).open('cluster').ackAll().open('listener');
    peer
      .open('route', { names: ['rc1'] })
      .ackAll()
      .serve(moved)
      .took();
    peer.nack('listener', "cannot bind '127.0.0.1:80': Address already in use").ack('route').serve(moved);
    expect(peer.took()).toEqual([]);
    peer.serve(snapshot(l1, rc1)).ackAll().serve(moved).ackAll();
    expect(peer.took()).toEqual(['listener l1=v1', 'route rc1=v1', 'listener l1=taken', 'route rc1=v1']);
    expect(peer.log.events.at(-1)).toBe(`converged ${moved.hash.slice(0, 8)}`);
  });
});
