import { describe, expect, it } from '@jest/globals';
import type { Given, Happening } from '../client/history.ts';
import { type Kind, KINDS, type Protocol } from '../client/kinds.ts';
import type { Reference } from '../client/names.ts';
import type { Facts, Served, Snapshot } from './facts.ts';
import { Judge } from './judge.ts';

/** Versions by "kind/name". */
type Contents = Readonly<Record<string, string>>;

const EDGE: Contents = {
  'cluster/blue': 'blue 1',
  'cluster/green': 'green 1',
  'endpoint/blue': 'blue endpoints 1',
  'endpoint/green': 'green endpoints 1',
  'listener/in': 'in 1',
  'route/paths': 'paths 1 to blue',
};
const MOVED: Contents = { ...without(EDGE, 'cluster/green', 'endpoint/green'), 'route/paths': 'paths 2 to blue' };
const NEXT: Contents = { ...EDGE, 'endpoint/blue': 'blue endpoints 2', 'endpoint/green': 'green endpoints 2' };

function without(contents: Contents, ...keys: string[]): Contents {
  return Object.fromEntries(Object.entries(contents).filter(([key]) => !keys.includes(key)));
}

function snapshotOf(hash: string, contents: Contents): Snapshot {
  const of = (kind: Kind): ReadonlyMap<string, string> =>
    new Map(
      Object.entries(contents).flatMap(([key, version]) => {
        const [each = '', name = ''] = key.split('/');
        return each === kind ? [[name, version] as const] : [];
      }),
    );
  return { hash, kinds: Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])) as Snapshot['kinds'] };
}

/** Clusters wait for endpoints of their name, listeners for "paths", which say where they lead. */
function referencesOf(version: string): readonly Reference[] {
  const [name = '', what = ''] = version.split(' ');
  if (what === 'endpoints') return [];
  if (name === 'in') return [{ kind: 'route', name: 'paths' }];
  if (name === 'paths') return [{ kind: 'cluster', name: version.split(' ').at(-1) ?? '' }];
  return [{ kind: 'endpoint', name }];
}

/** One proxy, what it is to be served, and what it tells. */
class Trial {
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly served: Served[] = [];
  private readonly judge: Judge;
  private readonly protocol: Protocol;
  private nonces = 0;
  private at = 100_000;

  constructor(protocol: Protocol) {
    this.protocol = protocol;
    const facts: Facts = {
      served: () => this.served,
      snapshot: (hash) => this.snapshots.get(hash),
      references: referencesOf,
      isOverridden: (_, [, , detail]) => detail === 'overridden',
      isOverriddenNow: (_, [, given, detail], version) => detail === '' && given === version,
      isSecret: (_, [, , value]) => value.startsWith('ours'),
      isSecretNow: (_, [, , value]) => value === 'ours 2',
      surelySeen: (at) => at - 1000,
    };
    this.judge = new Judge('p', protocol, facts);
  }

  /** @param tried what it may have been sent since it had the last good one in full */
  assign(hash: string, contents: Contents, { tried = [hash], good = null as string | null } = {}): this {
    this.snapshots.set(hash, snapshotOf(hash, contents));
    return this.reckon(hash, { tried, good });
  }

  reckon(hash: string, { tried = [] as readonly string[], good = null as string | null } = {}): this {
    this.at += 10_000;
    this.served.push({ at: this.at, hash, tried, good });
    return this;
  }

  tell(happening: Happening): this {
    this.at += 100;
    this.judge.take({ at: this.at, ...happening });
    return this;
  }

  open(): this {
    return this.tell({ what: 'opened', replica: 0, process: 0 });
  }

  /** First requests of all kinds. @param claims in state of the world the version, incrementally versions by name */
  ask(names: Partial<Record<Kind, readonly string[]>>, claims: Contents = {}): this {
    for (const kind of KINDS) {
      const asked = names[kind] ?? [];
      if (asked.length === 0 && kind !== 'cluster' && kind !== 'listener') continue;
      const versions = Object.entries(claims).flatMap(([key, version]) => {
        const [each, name = ''] = key.split('/');
        return each === kind ? [[name, version] as const] : [];
      });
      this.tell({
        what: 'asked',
        kind,
        names: asked,
        added: asked,
        dropped: [],
        claim: { version: `all ${kind}`, versions },
      });
    }
    return this;
  }

  /** A response, which is acknowledged. */
  get(hash: string, kind: Kind, resources: Contents, removed: readonly string[] = [], detail = ''): this {
    this.nonces += 1;
    const nonce = String(this.nonces);
    const given = Object.entries(resources).map(([name, version]): Given => [name, version, detail]);
    const version = this.protocol === 'delta' ? hash : `all ${kind}`;
    return this.tell({ what: 'got', kind, version, nonce, resources: given, removed, refused: [], misnamed: [] }).tell({
      what: 'answered',
      kind,
      nonce,
      isRefusal: false,
    });
  }

  /** All of EDGE, in order, to a proxy that has nothing. */
  start(): this {
    return this.assign('A', EDGE)
      .open()
      .ask({ endpoint: ['blue', 'green'], route: ['paths'] })
      .get('A', 'cluster', { blue: 'blue 1', green: 'green 1' })
      .get('A', 'endpoint', { blue: 'blue endpoints 1', green: 'green endpoints 1' })
      .get('A', 'listener', { in: 'in 1' })
      .get('A', 'route', { paths: 'paths 1 to blue' })
      .reckon('A', { good: 'A' });
  }

  back(claims: Contents = EDGE): this {
    return this.tell({ what: 'ended', why: 'cut' })
      .open()
      .ask({ endpoint: ['blue', 'green'], route: ['paths'] }, claims);
  }

  get found(): string[] {
    return this.judge.violations.map(({ promise, words }) => `${promise}: ${words}`);
  }

  get standing(): readonly string[] {
    return this.judge.standing();
  }

  get reasons(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.judge.reasons);
  }
}

const BOTH = ['delta', 'sotw'] as const;

describe('the judge of a history finds nothing wrong with', () => {
  it.each(BOTH)('a first configuration over %s', (protocol) => {
    const trial = new Trial(protocol).start();
    expect([trial.found, trial.standing, trial.reasons]).toEqual([[], [], { new: 6 }]);
  });

  it.each(BOTH)('a change, and a return with what is there, over %s', (protocol) => {
    const trial = new Trial(protocol)
      .start()
      .assign('B', NEXT, { tried: ['A', 'B'], good: 'A' })
      .get('B', 'endpoint', { blue: 'blue endpoints 2', green: 'green endpoints 2' })
      .reckon('B', { good: 'B' })
      .back(NEXT);
    expect([trial.found, trial.standing]).toEqual([[], []]);
  });

  it('removals after the routes that used what goes', () => {
    const trial = new Trial('delta')
      .start()
      .assign('B', MOVED)
      .get('B', 'route', { paths: 'paths 2 to blue' })
      .get('B', 'cluster', {}, ['green'])
      .tell({ what: 'asked', kind: 'endpoint', names: ['blue'], added: [], dropped: ['green'], claim: undefined });
    expect([trial.found, trial.standing]).toEqual([[], []]);
  });

  it('endpoints that come again with their cluster', () => {
    const trial = new Trial('delta')
      .start()
      .assign('B', { ...EDGE, 'cluster/blue': 'blue 2' })
      .get('B', 'cluster', { blue: 'blue 2' })
      .get('B', 'endpoint', { blue: 'blue endpoints 1' });
    expect(trial.found).toEqual([]);
    expect(trial.reasons).toEqual({ new: 6, changed: 1, 'its parent changed': 1 });
  });

  it('what is sent again to a proxy that may have been sent something else', () => {
    const trial = new Trial('delta')
      .start()
      .assign('B', NEXT, { tried: ['A', 'B'], good: 'A' })
      .assign('A', EDGE, { tried: ['A', 'B'], good: 'A' })
      .back()
      .get('A', 'endpoint', { blue: 'blue endpoints 1', green: 'green endpoints 1' });
    expect(trial.found).toEqual([]);
    expect(trial.reasons).toMatchObject({ 'in doubt': 2 });
  });

  it('what lies between two snapshots, told again to a proxy that comes back with it over sotw', () => {
    const between = { blue: 'blue 2', green: 'green 1' };
    const trial = new Trial('sotw')
      .start()
      .assign(
        'B',
        { ...without(EDGE, 'cluster/green', 'endpoint/green'), 'cluster/blue': 'blue 2' },
        { tried: ['B'], good: 'A' },
      )
      .get('B', 'cluster', between)
      .back()
      .get('B', 'cluster', between);
    expect(trial.found).toEqual([]);
    expect(trial.reasons).toMatchObject({ 'what was claimed lies between two snapshots': 2 });
  });

  it('endpoints as they are overridden', () => {
    const trial = new Trial('delta').start().get('A', 'endpoint', { blue: 'anything' }, [], 'overridden');
    expect(trial.found).toEqual([]);
    expect(trial.standing).toEqual(['endpoint blue is blue at anything (overridden)']);
  });
});

describe('the judge of a history finds', () => {
  it.each(BOTH)('a mixture of two snapshots in one response over %s', (protocol) => {
    const trial = new Trial(protocol)
      .start()
      .assign('B', NEXT)
      .get('B', 'endpoint', { blue: 'blue endpoints 2', green: 'green endpoints 1' });
    expect(trial.found[0]).toMatch(/^(assigned: endpoint (green|of no assigned)|not repeated)/);
  });

  it('a mixture of two snapshots that several responses make', () => {
    const trial = new Trial('delta').start().assign('B', NEXT).get('B', 'endpoint', { blue: 'blue endpoints 2' });
    expect(trial.found).toEqual(['whole: endpoint of B beside green at green en']);
  });

  it('a change that was lost', () => {
    const trial = new Trial('delta').start().assign('B', NEXT);
    expect(trial.found).toEqual([]);
    expect(trial.standing).toEqual(['endpoint blue is blue at blue end', 'endpoint green is green at green en']);
  });

  it.each(BOTH)('what is sent twice on a stream over %s', (protocol) => {
    const all = { blue: 'blue 1', green: 'green 1' };
    const trial = new Trial(protocol).start().get('A', 'cluster', all);
    expect(trial.found).toEqual([
      'not repeated: cluster blue at blue 1, which it was known to have',
      'not repeated: cluster green at green 1, which it was known to have',
    ]);
  });

  it.each(BOTH)('what is sent again to a proxy that comes back with it over %s', (protocol) => {
    const trial = new Trial(protocol).start().back();
    expect(trial.get('A', 'route', { paths: 'paths 1 to blue' }).found).toEqual([
      'not repeated: route paths at paths 1 , which it was known to have',
    ]);
  });

  it('a removed resource that is never removed', () => {
    const trial = new Trial('delta').start().assign('B', MOVED).get('B', 'route', { paths: 'paths 2 to blue' });
    expect(trial.found).toEqual([]);
    expect(trial.standing).toEqual(['cluster green is still there', 'endpoint green is still there']);
  });

  it.each(BOTH)('a resource of somebody else over %s', (protocol) => {
    const trial = new Trial(protocol).start().get('A', 'route', { paths: 'theirs to blue' });
    expect(trial.found[0]).toMatch(/^assigned: route .*paths at theirs t/);
  });

  it('a secret of somebody else', () => {
    const trial = new Trial('delta')
      .assign('A', { ...EDGE, 'secret/key': '' })
      .open()
      .ask({ secret: ['key'] })
      .get('A', 'secret', { key: '1' }, [], 'ours 1');
    expect(trial.found).toEqual([]);
    expect(trial.get('A', 'secret', { key: '2' }, [], 'theirs').found).toEqual([
      'assigned: secret key at 2 (theirs) is not of A',
      'whole: secret of A beside key at 2 (theirs)',
    ]);
  });

  it('a snapshot that was never assigned, and one that was over', () => {
    const trial = new Trial('delta').start().get('Z', 'route', {});
    trial
      .assign('B', NEXT)
      .get('B', 'endpoint', { blue: 'blue endpoints 2', green: 'green endpoints 2' })
      .get('A', 'endpoint', { blue: 'blue endpoints 1', green: 'green endpoints 1' });
    expect(trial.found).toEqual([
      'assigned: route of Z, which was never assigned',
      'assigned: endpoint of A, which was over',
    ]);
  });

  it('routes ahead of the cluster that they lead to', () => {
    const trial = new Trial('delta')
      .start()
      .assign('B', {
        ...EDGE,
        'cluster/red': 'red 1',
        'endpoint/red': 'red endpoints 1',
        'route/paths': 'paths 2 to red',
      })
      .get('B', 'route', { paths: 'paths 2 to red' });
    expect(trial.found).toEqual([
      'in order: route came before cluster red',
      'in use: listener in uses red, of which there is no cluster and no endpoint',
    ]);
  });

  it('listeners ahead of the answer to clusters', () => {
    const trial = new Trial('delta')
      .start()
      .assign('B', { ...EDGE, 'cluster/blue': 'blue 2', 'listener/in': 'in 2' })
      .tell({
        what: 'got',
        kind: 'cluster',
        version: 'B',
        nonce: 'x',
        resources: [['blue', 'blue 2', '']],
        removed: [],
        refused: [],
        misnamed: [],
      })
      .get('B', 'listener', { in: 'in 2' });
    expect(trial.found).toEqual(['in order: listener came before the answer to clusters, endpoints or secrets']);
  });

  it('a cluster that goes before the routes that use it', () => {
    const trial = new Trial('delta')
      .start()
      .assign('B', { ...without(EDGE, 'cluster/blue', 'endpoint/blue'), 'route/paths': 'paths 2 to green' })
      .get('B', 'cluster', {}, ['blue']);
    expect(trial.found).toEqual([
      'in order: cluster blue went before route paths',
      'in use: listener in uses blue, of which there is no cluster',
    ]);
  });

  it('what was never asked for, and a version that is not of the content', () => {
    const trial = new Trial('delta')
      .assign('A', EDGE)
      .open()
      .ask({})
      .tell({
        what: 'got',
        kind: 'endpoint',
        version: 'A',
        nonce: 'x',
        resources: [['blue', 'blue endpoints 1', '']],
        removed: [],
        refused: [],
        misnamed: ['blue'],
      });
    expect(trial.found).toEqual([
      'true: endpoint blue came under a version that is not its own',
      'asked for: endpoint blue was never asked for',
    ]);
  });
});
