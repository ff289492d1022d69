import { describe, expect, it } from '@jest/globals';
import { Peer, resource, snapshot, type Variant } from '../../../test/kit/xds-stream.js';
import type { ResourceKind } from '../resource-types.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import { type ClaimHistory, NO_HISTORY } from './claim-history.js';
import { versionOf } from './sotw-stream.js';
import { holdingOf } from './holdings.js';

/** The case of envoy-behaviour.md, "NACK": c1 changed, c2 bad, c3 removed, c4 new. */
const good = snapshot(resource('cluster', 'c1'), resource('cluster', 'c2'), resource('cluster', 'c3'));
const bad = snapshot(resource('cluster', 'c1', 'v2'), resource('cluster', 'c2', 'bad'), resource('cluster', 'c4'));
const other = snapshot(resource('cluster', 'c5'));

/** What a client claims that acknowledged all of these snapshots' resources; of one name the first snapshot's. */
function claim(kind: ResourceKind, ...of: readonly CompiledSnapshot[]) {
  const resources = new Map(of.toReversed().flatMap((one) => [...one.resources(kind)]));
  const sorted = [...resources].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    version: versionOf(new Map(sorted.map(([name, held]) => [name, holdingOf(held)]))),
    versions: Object.fromEntries(sorted.map(([name, { version }]) => [name, version])),
  };
}
const history = (change: Partial<ClaimHistory>): ClaimHistory => ({ ...NO_HISTORY, ...change });

describe.each<Variant>(['sotw', 'delta'])('a %s stream whose client comes back', (variant) => {
  const reconnected = (served: CompiledSnapshot, past: ClaimHistory, claimed = claim('cluster', good)): Peer =>
    new Peer(variant).serve(served, past).open('cluster', claimed);

  it('believes an equal claim where nothing else was sent', () => {
    expect(reconnected(good, NO_HISTORY).took()).toEqual([]);
  });

  it('believes nothing of what differs in a snapshot that it may have refused meanwhile', () => {
    const peer = reconnected(good, history({ doubts: [bad] }));
    expect(peer.took()).toEqual(['cluster c1=v1 c2=v1 c3=v1']);
    peer.ackAll();
    expect(peer.took()).toEqual(variant === 'sotw' ? [] : ['cluster -c4']);
    peer.open('listener').ackAll();
    expect(peer.log.of('converged')).toEqual([`converged ${good.hash.slice(0, 8)}`]);
  });

  it('believes what is the same in all that it may have been sent', () => {
    const grown = snapshot(...good.resources('cluster').values(), resource('cluster', 'c4'));
    const peer = reconnected(good, history({ doubts: [grown] }));
    expect(peer.ackAll().took()).toEqual(
      variant === 'sotw' ? ['cluster c1=v1 c2=v1 c3=v1'] : ['cluster', 'cluster -c4'],
    );
  });

  it('removes what a refused first configuration may have left, where the client claims nothing', () => {
    const peer = reconnected(other, history({ doubts: [bad] }), { version: '', versions: {} });
    expect(peer.took()).toEqual(['cluster c5=v1']);
    peer.ackAll();
    expect(peer.took()).toEqual(variant === 'sotw' ? [] : ['cluster -c1 -c2 -c4']);
  });

  it('believes nothing of what was refused before and is desired again, if that changes before it is sent', () => {
    const peer = new Peer(variant);
    peer.writable = false;
    // What opens first fills the way, so that nothing is sent of clusters.
    peer.serve(bad, NO_HISTORY).open('endpoint', { names: ['*'] });
    peer.open('cluster', claim('cluster', good));
    peer.serve(good, history({ doubts: [bad] }));
    peer.writable = true;
    peer.stream.onWritable();
    peer.ackAll();
    const [, ...clusters] = peer.took();
    expect(clusters).toEqual(
      variant === 'sotw' ? ['cluster c1=v1 c2=v1 c3=v1'] : ['cluster c1=v1 c2=v1 c3=v1', 'cluster -c4'],
    );
  });

  it('is sent again, on a stream that lives, what differs in a snapshot that was sent on another meanwhile', () => {
    const peer = reconnected(good, NO_HISTORY).open('listener').ackAll();
    peer.took();
    const sinceThen = peer.log.events.length;
    peer.serve(good, history({ doubts: [bad] })).ackAll();
    const all = 'cluster c1=v1 c2=v1 c3=v1';
    expect(peer.took()).toEqual(variant === 'sotw' ? [all] : [all, 'cluster -c4']);
    const converged = `converged ${good.hash.slice(0, 8)}`;
    const states = peer.log.events.slice(sinceThen).filter((event) => /verged/.test(event));
    expect(states).toEqual(['diverged', converged]);

    peer.serve(good, history({ doubts: [bad] }));
    expect(peer.took()).toEqual([]);
    peer.serve(good, history({ isComplete: false })).ackAll();
    expect(peer.took()).toEqual([all]);
    peer.serve(good, history({ isComplete: false }));
    expect(peer.took()).toEqual([]);
  });

  it('has nothing sent again for a snapshot that it served itself', () => {
    const peer = reconnected(good, NO_HISTORY).open('listener').ackAll();
    peer
      .serve(other)
      .ackAll()
      .serve(good, history({ doubts: [other] }))
      .ackAll();
    peer.took();
    peer.serve(good, history({ doubts: [other] }));
    expect(peer.took()).toEqual([]);
  });

  it('believes nothing at all where it is not known what was sent', () => {
    const peer = reconnected(good, history({ isComplete: false }));
    expect(peer.took()).toEqual(['cluster c1=v1 c2=v1 c3=v1']);
  });

  it('freezes a client that claims what no known snapshot holds, until its claims are accepted', () => {
    const peer = reconnected(other, history({ known: [bad] }));
    peer.open('listener').open('endpoint', { names: ['e'] });
    expect(peer.took()).toEqual([]);
    expect(peer.log.of('frozen')).toEqual([`frozen cluster ${variant === 'sotw' ? 1 : 3}`]);

    peer.serve(bad, history({ known: [] }));
    expect(peer.took()).toEqual([]);
    peer.stream.acceptClaims();
    peer.ackAll();
    expect(peer.took().join()).toMatch(variant === 'sotw' ? 'cluster c1=v2 c2=bad c4=v1' : '-c3');
    expect(peer.log.of('frozen')).toHaveLength(1);
  });

  it('looks again at a frozen client when something else is assigned, which may explain what it claims', () => {
    const peer = reconnected(other, history({ known: [bad] }));
    expect(peer.log.of('frozen')).toHaveLength(1);
    peer.serve(good, history({ known: [bad, other], doubts: [other] })).ackAll();
    expect(peer.log.of('thawed')).toHaveLength(1);
    expect(peer.took().join()).toMatch(variant === 'sotw' ? 'cluster c1=v1 c2=v1 c3=v1' : 'cluster -c5');
  });

  it('knows a client by a snapshot that it had before, or that it was on its way between', () => {
    expect(reconnected(other, history({ known: [good] })).log.of('frozen')).toEqual([]);
    const between = claim('cluster', bad, good);
    expect(reconnected(bad, history({ known: [good] }), between).log.of('frozen')).toEqual([]);
  });

  it('knows a client by three and more snapshots that it was on its way between, as they came one after the other', () => {
    const third = snapshot(resource('cluster', 'c1', 'v3'), resource('cluster', 'c6'));
    for (const [desired, ...had] of [
      [other, bad, good],
      [third, other, bad, good],
      [other, third, good],
    ] as const) {
      const between = claim('cluster', desired, ...had);
      for (const doubts of [had.slice(0, -1).toReversed(), [bad, third].filter((one) => one !== desired)]) {
        const known = [...new Set([...doubts, ...had.slice(0, -1).toReversed()]), good];
        expect(reconnected(desired, history({ known }), between).log.of('frozen')).toEqual([]);
      }
    }
  });

  it('takes nothing away before its users have changed, from a client that was away meanwhile or lost its stream on the way', () => {
    const before = snapshot(resource('cluster', 'c1'), resource('listener', 'l1'), resource('route', 'r1'));
    const after = snapshot(resource('cluster', 'c2'), resource('listener', 'l1'), resource('route', 'r1', 'v2'));
    const was = (kind: ResourceKind, ...of: CompiledSnapshot[]) => ({ ...claim(kind, ...of), names: [] as string[] });
    for (const clusters of [was('cluster', before), was('cluster', after, before)]) {
      const peer = new Peer(variant).serve(after, history({ known: [before] })).open('cluster', clusters);
      peer.open('listener', was('listener', before)).open('route', { ...was('route', before), names: ['r1'] });
      peer.ackAll();
      const isOnItsWay = 'c2' in clusters.versions;
      expect(peer.took()).toEqual(
        variant === 'sotw'
          ? ['cluster c1=v1 c2=v1', 'route r1=v2', 'cluster c2=v1']
          : [isOnItsWay ? 'cluster' : 'cluster c2=v1', 'route r1=v2', 'cluster -c1'],
      );
    }
  });

  it('does not freeze a client that claims nothing', () => {
    const peer = reconnected(good, history({ known: [] }), { version: '', versions: {} });
    expect(peer.took()).toEqual(['cluster c1=v1 c2=v1 c3=v1']);
  });

  it('does not ask again about a client that was unmanaged when it was assigned something', () => {
    const peer = new Peer(variant).serve(null).open('cluster', claim('cluster', good));
    expect(peer.log.of('unmanaged')).toHaveLength(1);
    peer.serve(other, history({ known: [] }));
    expect(peer.log.of('frozen')).toEqual([]);
    expect(peer.took()).toHaveLength(1);
  });
});

describe.each<Variant>(['sotw', 'delta'])(
  'a %s stream whose client asks for what nothing waits for any more',
  (variant) => {
    it('sends it, whatever is claimed, because something else may wait', () => {
      const orphaned = snapshot(resource('endpoint', 'e'));
      const peer = new Peer(variant).serve(orphaned, NO_HISTORY);
      expect(peer.open('endpoint', { names: ['e'], ...claim('endpoint', orphaned) }).took()).toEqual(['endpoint e=v1']);
    });
  },
);

describe('a sotw stream whose client asks again for routes that it gave up', () => {
  const listener = resource('listener', 'l', 'v1', ['route/r']);
  const wanted = snapshot(listener, resource('route', 'r'));
  const returned = (past: Partial<ClaimHistory>): string[] => {
    const peer = new Peer('sotw').serve(wanted, history(past)).open('cluster').ackAll();
    peer.open('listener', claim('listener', wanted)).open('route', { names: ['r'], ...claim('route', wanted) });
    return peer.took().filter((line) => line.startsWith('route'));
  };

  it('does not believe their version where it had no listener for them meanwhile', () => {
    expect(returned({ had: snapshot() })).toEqual(['route r=v1']);
    expect(returned({ had: snapshot(resource('route', 'r')) })).toEqual(['route r=v1']);
    expect(returned({ had: wanted, doubts: [snapshot(resource('route', 'r'))] })).toEqual(['route r=v1']);
  });

  it('believes it where all that it may have had since has them and a listener', () => {
    const other = snapshot(resource('listener', 'm', 'v1', ['route/r']), resource('route', 'r'));
    expect(returned({})).toEqual([]);
    expect(returned({ had: other })).toEqual([]);
  });
});

describe('a NACK', () => {
  it('names the snapshot that was refused, and the resources that stand in the message', () => {
    const peer = new Peer('delta')
      .serve(bad)
      .open('cluster')
      .nack('cluster', 'Error adding/updating cluster(s) c2: no');
    expect(peer.log.refusals).toEqual([{ snapshot: bad.hash, suspects: ['c2'] }]);
  });

  const next = snapshot(...bad.resources('cluster').values(), resource('runtime', 'r'));
  const refusedBy = (peer: Peer): string[] => peer.log.refusals.map((refusal) => refusal.snapshot);

  it('is one of the next snapshot too where that has the same of the type, which is not offered again', () => {
    const after = new Peer('delta').serve(bad).open('cluster').nack('cluster').serve(next).serve(next);
    expect(refusedBy(after)).toEqual([bad.hash, next.hash]);
    const late = new Peer('delta').serve(bad).open('cluster').serve(next).nack('cluster');
    expect(refusedBy(late)).toEqual([bad.hash, next.hash]);
    expect(late.frames).toHaveLength(1);
  });

  it('is none of a snapshot that has something else of the type', () => {
    expect(refusedBy(new Peer('delta').serve(bad).open('cluster').nack('cluster').serve(good))).toEqual([bad.hash]);
    expect(refusedBy(new Peer('delta').serve(bad).open('cluster').serve(good).nack('cluster'))).toEqual([bad.hash]);
  });
});
