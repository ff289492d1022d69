import { readNodeId } from '../server/wire/node.js';
import { Reader } from '../server/wire/protobuf.js';
import { type ClusterLatency, METRIC_LIMITS } from './traffic.js';

export interface MetricsMessage {
  readonly latencies: readonly ClusterLatency[];
  /** Histograms that are not read: too many of them, or what no Envoy says. */
  readonly leftOut: number;
}

/** How long requests to a cluster took, as Envoy calls it where tags are labels. All else in a message is stepped over. */
const REQUEST_TIME = Buffer.from('cluster.upstream_rq_time');
const CLUSTER_LABEL = 'envoy.cluster_name';

/**
 * The node id of an `envoy.service.metrics.v3.StreamMetricsMessage`; null where it carries no node.
 * @throws MalformedMessage
 */
export function readMetricsReporter(bytes: Buffer): string | null {
  const reader = new Reader(bytes);
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const identifier = new Reader(reader.bytesField());
    while (identifier.next()) {
      if (identifier.field === 1) return readNodeId(identifier.bytesField());
      identifier.skip();
    }
  }
  return null;
}

/**
 * Reads the histograms of request times by cluster from a `StreamMetricsMessage`. An Envoy sends hundreds of families of metrics; of the
 * others not more is read than their names.
 * @throws MalformedMessage
 */
export function readMetricsMessage(bytes: Buffer): MetricsMessage {
  const reader = new Reader(bytes);
  const message = { latencies: [] as ClusterLatency[], leftOut: 0 };
  while (reader.next()) {
    if (reader.field === 2) readFamily(reader.bytesField(), message);
    else reader.skip();
  }
  return message;
}

type Growing = { latencies: ClusterLatency[]; leftOut: number };

/** `io.prometheus.client.MetricFamily`, whose writers put the name first. */
function readFamily(bytes: Buffer, message: Growing): void {
  const reader = new Reader(bytes);
  let isRequestTime = false;
  while (reader.next()) {
    if (reader.field === 1) {
      isRequestTime = reader.bytesField().equals(REQUEST_TIME);
      if (!isRequestTime) return;
    } else if (reader.field === 4 && isRequestTime) {
      if (message.latencies.length < METRIC_LIMITS.latenciesPerProxy) readMetric(reader.bytesField(), message);
      else {
        reader.skip();
        message.leftOut++;
      }
    } else reader.skip();
  }
}

/** `io.prometheus.client.Metric`: a histogram of one cluster, or a summary, which cannot be added up. */
function readMetric(bytes: Buffer, message: Growing): void {
  const reader = new Reader(bytes);
  let cluster = '';
  let histogram: Buffer | undefined;
  while (reader.next()) {
    if (reader.field === 1) cluster = readClusterLabel(reader.bytesField()) ?? cluster;
    else if (reader.field === 7) histogram = reader.bytesField();
    else reader.skip();
  }
  if (!histogram || cluster === '') return;
  const buckets = readHistogram(histogram);
  if (!buckets) message.leftOut++;
  else if (buckets.length > 0) message.latencies.push({ cluster, buckets });
}

function readClusterLabel(bytes: Buffer): string | undefined {
  const reader = new Reader(bytes);
  let [name, value] = ['', ''];
  while (reader.next()) {
    if (reader.field === 1) name = reader.string(METRIC_LIMITS.nameBytes);
    else if (reader.field === 2) value = reader.string(METRIC_LIMITS.nameBytes);
    else reader.skip();
  }
  return name === CLUSTER_LABEL ? value : undefined;
}

/** Counts of the buckets themselves, without those that are empty; undefined where they are no counts of buckets. */
function readHistogram(bytes: Buffer): (readonly [bound: number, count: number])[] | undefined {
  const reader = new Reader(bytes);
  const cumulative: (readonly [bound: number, count: number])[] = [];
  let total = 0;
  while (reader.next()) {
    if (reader.field === 1) total = reader.uint64();
    else if (reader.field === 3) {
      if (cumulative.length >= METRIC_LIMITS.buckets) return undefined;
      cumulative.push(readBucket(reader.bytesField()));
    } else reader.skip();
  }
  return countsOf([...cumulative, [Infinity, total]]);
}

function countsOf(
  cumulative: readonly (readonly [bound: number, count: number])[],
): (readonly [bound: number, count: number])[] | undefined {
  const counts: (readonly [bound: number, count: number])[] = [];
  let [lower, below] = [0, 0];
  for (const [bound, count] of cumulative) {
    const isLast = bound === Infinity;
    // Also false where a number is none.
    if (!(bound > lower || (isLast && lower === Infinity)) || !(count >= below) || count > METRIC_LIMITS.count) {
      return undefined;
    }
    if (count > below) counts.push([bound, count - below]);
    [lower, below] = [bound, count];
  }
  return counts;
}

function readBucket(bytes: Buffer): readonly [bound: number, count: number] {
  const reader = new Reader(bytes);
  let [bound, count] = [0, 0];
  while (reader.next()) {
    if (reader.field === 1) count = reader.uint64();
    else if (reader.field === 2) bound = reader.double();
    else reader.skip();
  }
  return [bound, count];
}
