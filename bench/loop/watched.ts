import { cpuOf, cpuOfPostgres } from '../kit/cpu.ts';
import { Load } from '../kit/load.ts';
import { percentile } from '../kit/numbers.ts';
import type { Call } from '../kit/open-loop.ts';
import type { Efms, Place } from '../kit/place.ts';
import { atMost, type Figure } from '../kit/report.ts';
import type { LoopProbe } from './loop-probe.ts';

/** Issue 6: the delay of the event loop at the 99th percentile. */
const BAR_MS = 50;
/** Small requests a second of somebody else. */
const RATE = 100;
/** Asked for a moment longer than the work goes on: what was due in it is to be answered. */
const AFTER_MS = 300;

interface WatchedTarget {
  readonly probe: LoopProbe;
  readonly efms: Efms;
  readonly place: Place;
}

/** Does things to an EFMS while its event loop is watched and somebody else asks it for something small. */
export class Watched {
  private readonly target: WatchedTarget;
  private readonly load: Load;
  private readonly call: Call;

  private constructor(target: WatchedTarget, load: Load, call: Call) {
    this.target = target;
    this.load = load;
    this.call = call;
  }

  /** @param call what somebody else asks for */
  static async open(target: WatchedTarget, call: Call): Promise<Watched> {
    return new Watched(target, await Load.open(target.efms.port, 4), call);
  }

  /**
   * @param seconds at least how long it takes, during which the other client asks
   * @returns how long the loop was held, and how long the other client waited
   */
  async during(name: string, seconds: number, work: () => Promise<unknown>): Promise<Figure[]> {
    const { probe, efms, place } = this.target;
    await probe.read();
    const before = [cpuOf(efms.pid), cpuOfPostgres(place.postmaster)] as const;
    const began = performance.now();
    const asked = this.load.send([this.call], { rate: RATE, seconds: seconds + AFTER_MS / 1000 });
    await work();
    const took = performance.now() - began;
    // Short work is watched alone, so that what comes after it does not make it look better.
    const delay = await probe.read();
    const after = [cpuOf(efms.pid), cpuOfPostgres(place.postmaster)] as const;
    const { latencies, failures } = await asked;
    const others = Float64Array.from(latencies[this.call.group] ?? []).sort();
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
    return [
      { name: `${name}: took`, value: took, unit: 'ms' },
      { name: `${name}: EFMS, CPU`, value: (after[0] - before[0]) * 1000, unit: 'ms' },
      { name: `${name}: PostgreSQL, CPU`, value: (after[1] - before[1]) * 1000, unit: 'ms' },
      loopFigure(`${name}: event loop, p99`, delay.p99),
      // Of few samples the percentile hides one long hold.
      loopFigure(`${name}: event loop, longest`, delay.max),
      { name: `${name}: event loop, longest work`, value: delay.worked, unit: 'ms' },
      { name: `${name}: small GET of another, p50`, value: percentile(others, 0.5), unit: 'ms' },
      { name: `${name}: small GET of another, p99`, value: percentile(others, 0.99), unit: 'ms' },
      { name: `${name}: small GET of another, errors`, value: failed, unit: '' },
    ];
  }

  close(): Promise<void> {
    return this.load.close();
  }
}

function loopFigure(name: string, value: number): Figure {
  const bar = atMost(BAR_MS, value, 'ms');
  return { name, value, unit: 'ms', ...(bar && { bar }) };
}
