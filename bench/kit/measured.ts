import { cpuOf, cpuOfPostgres } from './cpu.ts';
import type { Load, SentLoad } from './load.ts';
import { percentile } from './numbers.ts';
import type { Call } from './open-loop.ts';
import type { Efms, Place } from './place.ts';
import type { Figure } from './report.ts';

/** One run with what it cost. */
export interface Measured {
  readonly rate: number;
  readonly sent: SentLoad;
  /** Sorted, of all requests together. */
  readonly latencies: Float64Array;
  readonly failures: number;
  /** Milliseconds of processor time for each request answered. */
  readonly cpu: { readonly efms: number; readonly postgres: number; readonly client: number };
}

/** What is under load. */
export interface Target {
  readonly efms: Efms;
  readonly place: Place;
  readonly load: Load;
}

export async function measure(
  { efms, place, load }: Target,
  calls: readonly Call[],
  pace: { readonly rate: number; readonly seconds: number },
): Promise<Measured> {
  const before = [cpuOf(efms.pid), cpuOfPostgres(place.postmaster)] as const;
  const sent = await load.send(calls, pace);
  const perRequest = (seconds: number): number => (seconds * 1000) / sent.answered;
  const latencies = Float64Array.from(Object.values(sent.latencies).flatMap((each) => [...each])).sort();
  return {
    rate: pace.rate,
    sent,
    latencies,
    failures: Object.values(sent.failures).reduce((sum, count) => sum + count, 0),
    cpu: {
      efms: perRequest(cpuOf(efms.pid) - before[0]),
      postgres: perRequest(cpuOfPostgres(place.postmaster) - before[1]),
      client: perRequest(sent.cpuSeconds),
    },
  };
}

/** Failures, and what a request costs each of the three. */
export function costFigures(name: string, { failures, cpu }: Measured): Figure[] {
  return [
    { name: `${name}: errors`, value: failures, unit: '', bar: { text: '0', isMet: failures === 0 } },
    { name: `${name}: EFMS, CPU per request`, value: cpu.efms, unit: 'ms' },
    { name: `${name}: PostgreSQL, CPU per request`, value: cpu.postgres, unit: 'ms' },
    { name: `${name}: client, CPU per request`, value: cpu.client, unit: 'ms' },
  ];
}

export const PERCENTILES = { p50: 0.5, p95: 0.95, p99: 0.99, p999: 0.999 } as const;

/** Latencies by kind of request, for the table under the figures. */
export function latencyRows(measured: Measured): string[][] {
  const groups: [string, Float64Array][] = [
    ...Object.entries(measured.sent.latencies).map(([group, values]): [string, Float64Array] => [
      group,
      values.slice().sort(),
    ]),
    ['all', measured.latencies],
  ];
  return groups.map(([group, sorted]) => [
    group,
    String(sorted.length),
    ...Object.values(PERCENTILES).map((share) => percentile(sorted, share).toFixed(1)),
    (sorted.at(-1) ?? NaN).toFixed(1),
  ]);
}
