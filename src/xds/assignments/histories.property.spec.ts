import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MODEL_KINDS } from '../../../test/kit/model-envoy.js';
import {
  differences,
  type HistoryManner,
  type HistoryStep,
  type ModelContent,
  ModelFleet,
  modelSnapshot,
  PROPERTY_RUNS,
} from '../../../test/kit/model-fleet.js';
import type { Variant } from '../../../test/kit/xds-stream.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';

const name = fc.constantFrom('a', 'b', 'c');
const replica = fc.constantFrom(0, 1);
const contentsOf = (...values: string[]): fc.Arbitrary<ModelContent[]> =>
  fc.array(fc.tuple(fc.constantFrom(...MODEL_KINDS), name, fc.constantFrom(...values)), { maxLength: 8 });
const contents = fc.oneof(
  contentsOf('v1', 'v2', 'v3'),
  contentsOf('v1', 'v2', 'v3', 'port'),
  contentsOf('v1', 'v1', 'v2', 'v3', 'bad1', 'bad2', 'invalid', 'port'),
);

const one = <Do extends HistoryStep['do']>(...what: Do[]) => fc.record({ do: fc.constantFrom(...what) });
const count = fc.integer({ min: 1, max: 5 });
const assign = (what: fc.Arbitrary<ModelContent[]>) =>
  fc.record({ do: fc.constant('assign' as const), contents: what });
const exchange = fc.record({ do: fc.constant('exchange' as const), count });
const broken = fc.record({ do: fc.constant('break' as const), replica, lost: fc.nat(3) });
const quieten = one('quieten');

const step: fc.Arbitrary<HistoryStep> = fc.oneof(
  { weight: 5, arbitrary: assign(contents) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('subscribe' as const, 'unsubscribe' as const), name }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('up' as const), link: fc.nat(2), count }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('down' as const), count }) },
  { weight: 6, arbitrary: exchange },
  { weight: 3, arbitrary: broken },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'crash' as const), replica }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('look' as const, 'flush' as const), replica }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hold' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('alien' as const), replica }) },
  { weight: 2, arbitrary: one('notice', 'offer', 'busy', 'free', 'block', 'unblock', 'expire') },
  { weight: 1, arbitrary: one('takeOver', 'back') },
  { weight: 3, arbitrary: quieten },
);

/**
 * What single steps seldom add up to: something is had in full, what follows is taken in part or refused, and then, mostly after the
 * stream broke, comes what was had before.
 */
const scene: fc.Arbitrary<HistoryStep[]> = fc
  .tuple(
    fc.option(one('busy')),
    fc.option(fc.tuple(assign(contentsOf('v1', 'v2')), quieten), { freq: 4 }),
    assign(contents),
    exchange,
    fc.option(fc.oneof(broken, fc.record({ do: fc.constant('crash' as const), replica }))),
    fc.option(exchange),
    fc.option(one('free', 'back', 'offer')),
    fc.option(one('back', 'offer')),
    fc.option(quieten),
  )
  .map((parts) => parts.flat().filter((part) => part !== null));

/** The machine lacks what content needs; that is refused and held back, and offered again once the machine has it, mostly before anybody looked. */
const remedied: fc.Arbitrary<HistoryStep[]> = fc
  .tuple(
    one('busy'),
    assign(contentsOf('v1', 'port')),
    exchange,
    fc.option(exchange),
    fc.constant(([0, 1] as const).map((at) => ({ do: 'hold' as const, replica: at }))),
    fc.option(exchange, { freq: 1 }),
    one('free'),
    one('offer'),
    quieten,
  )
  .map((parts) => parts.flat().filter((part) => part !== null));

const history: fc.Arbitrary<HistoryStep[]> = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: step.map((only) => [only]) },
      { weight: 2, arbitrary: scene },
      { weight: 1, arbitrary: remedied },
    ),
    { maxLength: 25 },
  )
  .map((parts) => parts.flat());

/** Content that histories have had before, and under one name content that none has had. */
const FINAL = modelSnapshot([
  ...MODEL_KINDS.flatMap((kind) => ['a', 'b', 'c'].map((n) => [kind, n, 'v1'] as const)),
  ...MODEL_KINDS.map((kind) => [kind, 'd', 'final'] as const),
]);

/** `back`: the stream breaks, and what was had in full before is assigned again. */
const ENDINGS = ['quiet', 'break', 'back'] as const;
type Ending = (typeof ENDINGS)[number];

/** The client applies a part of what it refuses, and its stream breaks before anybody hears of it: its claims are false. */
const LOST_REFUSAL: HistoryStep[] = [
  { do: 'assign', contents: [['cluster', 'a', 'v1']] },
  { do: 'quieten' },
  {
    do: 'assign',
    contents: [
      ['cluster', 'a', 'v2'],
      ['cluster', 'b', 'bad1'],
    ],
  },
  { do: 'exchange', count: 3 },
];

/** State of the world: the client gave up its only route and claims it still, and gets a listener that waits for it. */
const STALE_ROUTE: HistoryStep[] = [
  { do: 'assign', contents: [['listener', 'a', 'v1']] },
  { do: 'quieten' },
  { do: 'assign', contents: [] },
  { do: 'exchange', count: 2 },
];

/** The stream breaks once the first of what is new was sent, and what was had before is assigned again. */
const GROWN: HistoryStep[] = [
  { do: 'assign', contents: [['cluster', 'a', 'v1']] },
  { do: 'quieten' },
  {
    do: 'assign',
    contents: [
      ['cluster', 'a', 'v1'],
      ['cluster', 'c', 'v1'],
    ],
  },
  { do: 'exchange', count: 1 },
];

/** A whole history: everything gets quiet or the stream breaks, then good content is assigned, and it gets quiet again. */
async function play(steps: readonly HistoryStep[], ending: Ending, manner: HistoryManner): Promise<void> {
  const fleet = new ModelFleet(manner);
  try {
    for (const action of steps) {
      await fleet.step(action);
      if (action.do === 'quieten' && !fleet.isAlien) expectServed(fleet);
    }
    if (ending === 'quiet' || fleet.envoy.alien !== null) {
      await fleet.quieten();
      if (!fleet.isAlien) expectServed(fleet);
    } else fleet.reopen(0);
    if (ending === 'back' && fleet.rows.good !== null) {
      fleet.goBack();
      await fleet.quieten();
      if (!fleet.isAlien) expectServed(fleet);
    }
    if (fleet.rows.assigned === null) fleet.assign(FINAL);
    if (fleet.isAlien) fleet.takeOver();
    fleet.assign(FINAL);
    fleet.sends = 0;
    await fleet.quieten();
    expect(fleet.link.frozenBy).toBeNull();
    expect(fleet.sends).toBeLessThan(40);
    expectHas(fleet, FINAL);
    expect({ good: fleet.rows.good, tried: fleet.rows.tried }).toEqual({ good: FINAL.hash, tried: [] });
    expect(fleet.rows.standing?.converged).toBe(FINAL.hash);

    fleet.sends = 0;
    fleet.reopen(1);
    await fleet.quieten();
    expect(fleet.sends).toBe(0);
    expect(fleet.rows.standing?.converged).toBe(FINAL.hash);
    expect(fleet.wrongs).toEqual([]);
  } finally {
    await fleet.stop();
  }
}

/** What is served in the meantime is there as well, unless it cannot be, because nothing good is known or the machine is in the way. */
function expectServed(fleet: ModelFleet): void {
  const { served } = fleet.rows;
  const content = served === null ? undefined : fleet.rows.snapshots.get(served);
  if (!content || fleet.rows.isHeld(served)) return;
  const values = MODEL_KINDS.flatMap((kind) => [...content.resources(kind).values()]).map(({ value }) => String(value));
  if (values.some((value) => (fleet.machine.isBusy ? /:(bad|invalid|port)/ : /:(bad|invalid)/).test(value))) return;
  expectHas(fleet, content);
  expect(fleet.rows.standing?.converged).toBe(served);
}

function expectHas({ envoy }: ModelFleet, content: CompiledSnapshot): void {
  expect(differences(envoy, content)).toEqual([]);
}

describe.each<Variant>(['sotw', 'delta'])('whatever happens to a proxy and its replicas, in %s', (variant) => {
  it.each(['requests', 'answers'] as const)(
    'it ends up with what it is served, soon and in order, where a cluster that warms holds back %s',
    async (pausing) => {
      await fc.assert(
        fc.asyncProperty(
          history,
          fc.constantFrom(...ENDINGS),
          fc.constantFrom('one by one' as const, 'at once' as const),
          (steps, ending, pace) => play(steps, ending, { variant, pausing, pace }),
        ),
        {
          numRuns: PROPERTY_RUNS,
          examples: [
            [LOST_REFUSAL, 'break', 'at once'],
            [LOST_REFUSAL, 'back', 'at once'],
            [STALE_ROUTE, 'back', 'at once'],
            [GROWN, 'back', 'one by one'],
          ],
        },
      );
    },
  );
});
