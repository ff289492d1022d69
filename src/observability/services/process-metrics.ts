import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Durations } from '../../common/metrics/durations.js';
import { Threads } from '../../common/threads/threads.js';
import { VERSION } from '../../common/version.js';
import { XdsServer } from '../../xds/index.js';
import { RecentLoopDelay } from './recent-loop-delay.js';
import { METRICS_REGISTRY, type Registry } from './metrics-registry.js';
import { labelled, Publisher } from './publish.js';

const GC_KINDS = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weak_callbacks'],
]);
const DELAYS = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['max', 1],
] as const;

/** A garbage collection; what it was, the type declarations leave out. */
interface Collection extends PerformanceEntry {
  readonly detail?: { readonly kind?: number };
}

/** Publishes what the process is, and what it takes of the machine. */
@Injectable()
export class ProcessMetrics implements OnApplicationShutdown {
  private readonly loop = new RecentLoopDelay();
  private readonly collections: PerformanceObserver;

  constructor(
    @Inject(XdsServer) xds: XdsServer,
    @Inject(Threads) threads: Threads,
    @Inject(METRICS_REGISTRY) registry: Registry,
  ) {
    const publisher = new Publisher(registry);
    publisher.gauge({
      name: 'efms_build_info',
      help: 'The running release, its Node.js, and how responses are written (preframed, or public: copied for each stream); always 1',
      labels: ['version', 'node', 'writer'],
      read: () => [[{ version: VERSION, node: process.versions.node, writer: xds.writer }, 1]],
    });
    publishResources(publisher);
    publishThreads(publisher, threads);
    publisher.gauge({
      name: 'efms_event_loop_delay_seconds',
      help: 'How late the event loop was during the last 15 to 30 seconds: p50, p99 and max',
      labels: ['statistic'],
      read: () =>
        labelled(
          'statistic',
          DELAYS.map(([name, share]) => [name, this.loop.quantile(share)] as const),
        ),
    });
    const pauses = new Map(
      [...GC_KINDS.values()].map((kind) => [kind, new Durations([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1])]),
    );
    publisher.histograms({
      name: 'efms_gc_duration_seconds',
      help: 'Garbage collections, by kind',
      label: 'kind',
      durations: pauses,
    });
    this.collections = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as readonly Collection[]) {
        pauses.get(GC_KINDS.get(entry.detail?.kind ?? 0) ?? '')?.count(entry.duration);
      }
    });
    this.collections.observe({ entryTypes: ['gc'] });
  }

  onApplicationShutdown(): void {
    this.loop.stop();
    this.collections.disconnect();
  }
}

function publishResources(publisher: Publisher): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  publisher.gauge({
    name: 'efms_process_start_time_seconds',
    help: 'When the process started, in seconds since the epoch',
    read: () => startedAt,
  });
  publisher.counter({
    name: 'efms_process_cpu_seconds_total',
    help: 'CPU time of the process, by mode',
    labels: ['mode'],
    read: () => {
      const { user, system } = process.cpuUsage();
      return labelled('mode', [
        ['user', user / 1e6],
        ['system', system / 1e6],
      ]);
    },
  });
  publisher.gauge({
    name: 'efms_process_memory_bytes',
    help: 'Memory of the process: resident (all of it), heap_used and heap_total (of JavaScript), external (buffers)',
    labels: ['area'],
    read: () => {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      return labelled('area', [
        ['resident', rss],
        ['heap_used', heapUsed],
        ['heap_total', heapTotal],
        ['external', external],
      ]);
    },
  });
}

function publishThreads(publisher: Publisher, threads: Threads): void {
  publisher.gauge({
    name: 'efms_threads',
    help: 'Threads for large documents that are there now',
    read: () => threads.load.threads,
  });
  publisher.gauge({
    name: 'efms_thread_backlog',
    help: 'Large documents that wait for a thread',
    read: () => threads.load.waiting,
  });
}
