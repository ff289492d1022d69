import type { ProxyKey } from '../../infrastructure/index.js';

/** Requests that a proxy sent to endpoints of a cluster in one locality, and saw the end of. */
export interface ClusterLoad {
  readonly cluster: string;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly successes: number;
  /** Answered with 5xx, reset, or never connected. */
  readonly errors: number;
  /** Not sent at all, by drop overload or a circuit breaker of the load balancer. */
  readonly dropped: number;
}

/** How long requests to a cluster took. */
export interface ClusterLatency {
  readonly cluster: string;
  /** Upper bounds in milliseconds, rising, and how many requests took no longer but longer than the bound before. */
  readonly buckets: readonly (readonly [bound: number, count: number])[];
}

/** Of whom something is told, and what it had in full all the while. */
export interface TrafficSource extends ProxyKey {
  /** A snapshot; null: it changed meanwhile, or there was none; undefined: it is not connected here, so the ledger may know. */
  readonly snapshot: string | null | undefined;
}

/** What is read and kept of one proxy. The bounds are far above what Envoys have, and keep what a hostile one costs finite. */
export const METRIC_LIMITS = {
  nameBytes: 2_048,
  /** More requests than any proxy serves between two reports. */
  count: 2 ** 40,
  loadsPerReport: 5_000,
  /** Of one proxy in one minute: clusters times localities. */
  loadsPerProxy: 1_000,
  latenciesPerProxy: 500,
  buckets: 100,
} as const;
