import { readNodeId } from '../server/wire/node.js';
import { bytesHeader, Reader, varint } from '../server/wire/protobuf.js';
import { type ClusterLoad, METRIC_LIMITS } from '../metrics/traffic.js';

export interface LoadReport {
  readonly loads: readonly ClusterLoad[];
  /** How long the longest of its counts was counted, in milliseconds, as the proxy says. */
  readonly coversMs: number;
  /** Counts that are not read: those of too many clusters and localities, and numbers that nothing counts up to. */
  readonly leftOut: number;
}

const NO_LOCALITY = { region: '', zone: '', subZone: '' } as const;
type Locality = Pick<ClusterLoad, 'region' | 'zone' | 'subZone'>;

/**
 * The node id of an `envoy.service.load_stats.v3.LoadStatsRequest`; null where it carries no node.
 * @throws MalformedMessage
 */
export function readReporter(bytes: Buffer): string | null {
  const reader = new Reader(bytes);
  while (reader.next()) {
    if (reader.field === 1) return readNodeId(reader.bytesField());
    reader.skip();
  }
  return null;
}

/**
 * Reads the counts of a `LoadStatsRequest`. Envoy repeats its node of 61 KB in each: it is stepped over by its length.
 * @throws MalformedMessage
 */
export function readLoadReport(bytes: Buffer): LoadReport {
  const reader = new Reader(bytes);
  const report = { loads: [] as ClusterLoad[], coversMs: 0, leftOut: 0 };
  while (reader.next()) {
    if (reader.field !== 2) reader.skip();
    else if (report.loads.length < METRIC_LIMITS.loadsPerReport) readClusterStats(reader.bytesField(), report);
    else {
      reader.skip();
      report.leftOut++;
    }
  }
  return report;
}

type Growing = { -readonly [Key in keyof LoadReport]: LoadReport[Key] } & { readonly loads: ClusterLoad[] };

/** `envoy.config.endpoint.v3.ClusterStats`. What was dropped is counted for the cluster, not for a locality. */
function readClusterStats(bytes: Buffer, report: Growing): void {
  const reader = new Reader(bytes);
  const localities: Buffer[] = [];
  let cluster = '';
  let dropped = 0;
  while (reader.next()) {
    if (reader.field === 1) cluster = reader.string(METRIC_LIMITS.nameBytes);
    else if (reader.field === 2) localities.push(reader.bytesField());
    else if (reader.field === 3) dropped = reader.uint64();
    else if (reader.field === 4) report.coversMs = Math.max(report.coversMs, readDuration(reader.bytesField()));
    else reader.skip();
  }
  const add = (load: ClusterLoad): void => {
    if (load.successes + load.errors + load.dropped === 0) return;
    const isCounted = [load.successes, load.errors, load.dropped].every((count) => count <= METRIC_LIMITS.count);
    if (isCounted && report.loads.length < METRIC_LIMITS.loadsPerReport) report.loads.push(load);
    else report.leftOut++;
  };
  add({ cluster, ...NO_LOCALITY, successes: 0, errors: 0, dropped });
  for (const locality of localities) add({ cluster, ...readLocalityStats(locality), dropped: 0 });
}

/** `UpstreamLocalityStats`. Those of one locality at several priorities are several. */
function readLocalityStats(bytes: Buffer): Omit<ClusterLoad, 'cluster' | 'dropped'> {
  const reader = new Reader(bytes);
  let locality: Locality = NO_LOCALITY;
  let successes = 0;
  let errors = 0;
  while (reader.next()) {
    if (reader.field === 1) locality = readLocality(reader.bytesField());
    else if (reader.field === 2) successes = reader.uint64();
    else if (reader.field === 4) errors = reader.uint64();
    else reader.skip();
  }
  return { ...locality, successes, errors };
}

function readLocality(bytes: Buffer): Locality {
  const reader = new Reader(bytes);
  let [region, zone, subZone] = ['', '', ''];
  while (reader.next()) {
    if (reader.field === 1) region = reader.string(METRIC_LIMITS.nameBytes);
    else if (reader.field === 2) zone = reader.string(METRIC_LIMITS.nameBytes);
    else if (reader.field === 3) subZone = reader.string(METRIC_LIMITS.nameBytes);
    else reader.skip();
  }
  return { region, zone, subZone };
}

/** A `google.protobuf.Duration` in milliseconds. */
function readDuration(bytes: Buffer): number {
  const reader = new Reader(bytes);
  let milliseconds = 0;
  while (reader.next()) {
    if (reader.field === 1) milliseconds += reader.uint64() * 1000;
    else if (reader.field === 2) milliseconds += reader.int32() / 1e6;
    else reader.skip();
  }
  return milliseconds;
}

/** The `LoadStatsResponse` that asks for all clusters, every so often. */
export function encodeLoadStatsResponse(intervalMs: number): Buffer {
  const seconds = Math.floor(intervalMs / 1000);
  const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
  const interval = Buffer.concat([number(1, seconds), number(2, (intervalMs - seconds * 1000) * 1e6)]);
  return Buffer.concat([bytesHeader(2, interval.length), interval, number(4, 1)]);
}
