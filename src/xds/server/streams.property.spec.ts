import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ModelClient } from '../../../test/kit/xds-model.js';
import { EventLog, resource, snapshot, type Variant } from '../../../test/kit/xds-stream.js';
import type { ResourceKind } from '../resource-types.js';
import type { CompiledSnapshot, EncodedResource } from '../snapshots/compiled-snapshot.js';

const KINDS = ['cluster', 'endpoint', 'listener', 'route'] as const satisfies readonly ResourceKind[];
const CHILD = { cluster: 'endpoint', listener: 'route' } as const;

const kind = fc.constantFrom(...KINDS);
const name = fc.constantFrom('a', 'b', 'c');
const nameOrAll = fc.constantFrom('a', 'b', 'c', '*');

/** For each kind and name a content, or none. */
const contents = fc.array(fc.tuple(kind, name, fc.constantFrom('v1', 'v2', 'v3', 'bad1', 'bad2')), { maxLength: 10 });

type Step =
  | { readonly do: 'publish'; readonly contents: readonly (readonly [ResourceKind, string, string])[] }
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly kind: ResourceKind; readonly name: string }
  | { readonly do: 'stale'; readonly kind: ResourceKind }
  | { readonly do: 'read'; readonly count: number }
  | { readonly do: 'block' | 'unblock' | 'reconnect' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), contents }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('subscribe' as const), kind, name: nameOrAll }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), kind, name: nameOrAll }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stale' as const), kind }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('block' as const, 'unblock' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const) }) },
);

function published(list: readonly (readonly [ResourceKind, string, string])[]): CompiledSnapshot {
  const resources = new Map<string, EncodedResource>();
  for (const [k, n, content] of list) {
    const child = k === 'cluster' || k === 'listener' ? ([`${CHILD[k]}/${n}`] as const) : [];
    resources.set(`${k}/${n}`, resource(k, n, content, child));
  }
  return snapshot(...resources.values());
}

/**
 * Content that histories have had before, so that a server which believes too much sends too little; and under one name
 * content that none has had, so that every refused type has something new.
 */
const FINAL = published([
  ...KINDS.flatMap((k) => ['a', 'b'].map((n) => [k, n, 'v1'] as const)),
  ...KINDS.map((k) => [k, 'd', 'final'] as const),
]);

const finalContent = (n: string): string => (n === 'd' ? 'final' : 'v1');

/** Plays a history and then lets things get quiet on a good snapshot. */
function play(variant: Variant, steps: readonly Step[], appliesPartially: boolean) {
  const log = new EventLog();
  const client = new ModelClient(variant, log, appliesPartially);
  let served: CompiledSnapshot | undefined;
  for (const action of steps) {
    if (action.do === 'publish') client.serve((served = published(action.contents)));
    else if (action.do === 'subscribe') client.subscribe(action.kind, action.name);
    else if (action.do === 'unsubscribe') client.unsubscribe(action.kind, action.name);
    else if (action.do === 'stale') client.sendStale(action.kind);
    else if (action.do === 'read') for (let i = 0; i < action.count; i++) client.readOne();
    // A client that applied a part of what it refused claims untruths on its next stream; what is known of that is kept by the
    // ledger, not by a stream.
    else if (action.do === 'reconnect') {
      if (!appliesPartially) client.reconnect(served);
    } else client.setFull(action.do === 'block');
  }
  client.setFull(false);
  client.serve(FINAL);
  let reads = 0;
  while (client.readOne()) reads++;
  return { client, log, reads };
}

/** Two kinds that have nothing are alike, and are not the same. */
const NOTHING_OF_TWO_KINDS: Step[] = [
  { do: 'publish', contents: [] },
  { do: 'subscribe', kind: 'cluster', name: '*' },
  { do: 'subscribe', kind: 'endpoint', name: '*' },
];

describe.each<Variant>(['sotw', 'delta'])('whatever happens on a %s stream', (variant) => {
  it.each([
    ['refuses as a whole', false],
    ['applies a part of what it refuses', true],
  ])(
    'a client that %s ends up with what it asked for, soon, and with one response per type on the way',
    (_, partial) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const { client, reads } = play(variant, steps, partial);
          for (const [k, type] of client.types) {
            const wanted = [...FINAL.resources(k).values()].filter(({ name: n }) => type.wildcard || type.names.has(n));
            const expected = Object.fromEntries(wanted.map(({ name: n }) => [n, finalContent(n)]));
            const has = Object.fromEntries([...type.has].sort());
            // In state of the world the absence of an endpoint set or a route says nothing, so a client may keep it.
            const isKept = variant === 'sotw' && (k === 'endpoint' || k === 'route');
            if (isKept) expect(has).toMatchObject(expected);
            else expect(has).toEqual(expected);
          }
          expect(client.mostOutstanding).toBeLessThanOrEqual(1);
          expect(reads).toBeLessThan(24);
        }),
        { numRuns: 400, examples: [[NOTHING_OF_TWO_KINDS]] },
      );
    },
  );

  it('convergence is reported exactly when both root types and the children of what was served are there', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { client, log } = play(variant, steps, false);
        const has = (k: ResourceKind, n: string): boolean => client.types.get(k)?.has.get(n) === finalContent(n);
        const isComplete = (['cluster', 'listener'] as const).every((root) => {
          const type = client.types.get(root);
          return type && [...type.has.keys()].every((n) => has(CHILD[root], n));
        });
        const last = log.events.findLast((event) => /^(converged|diverged)/.test(event));
        expect(last === `converged ${FINAL.hash.slice(0, 8)}`).toBe(isComplete);
      }),
      { numRuns: 300 },
    );
  });
});
