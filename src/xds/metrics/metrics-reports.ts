import { type ServerReadableStream, status } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { Config } from '../../common/config/config.js';
import { CONFIG } from '../../common/config/config.token.js';
import { XDS_CLUSTER } from '../../infrastructure/index.js';
import { readMetricsMessage, readMetricsReporter } from './metrics-message.js';
import { ReportStreams } from './report-streams.js';
import type { Reporting } from './report-stream.js';
import { RunningSnapshots } from './running-snapshots.js';
import { TokenBucket } from './token-bucket.js';
import { TrafficWriter } from './traffic-writer.js';

/** A stream of messages with one answer at its end, which Envoy never comes to. */
export type MetricsCall = ServerReadableStream<Buffer, Buffer>;
export type MetricsAnswer = (failure: { code: status; details: string } | null, response?: Buffer) => void;

/** What may come at once, in seconds of the budget. */
const BURST_SECONDS = 5;
const EMPTY = Buffer.alloc(0);

/**
 * Takes metrics of proxies, where the settings let them send any. All proxies of this replica share one budget of messages and of bytes;
 * what is over it is dropped unread, and counted.
 */
@Injectable()
export class MetricsReports {
  private readonly isOn: boolean;
  private readonly messages: TokenBucket;
  private readonly bytes: TokenBucket;

  constructor(
    @Inject(CONFIG) { metrics: { sink } }: Config,
    private readonly streams: ReportStreams,
    private readonly running: RunningSnapshots,
    private readonly traffic: TrafficWriter,
    private readonly clock: Clock,
  ) {
    this.isOn = sink.isOn;
    this.messages = new TokenBucket(clock, sink.messagesPerSecond, sink.messagesPerSecond * BURST_SECONDS);
    this.bytes = new TokenBucket(clock, sink.bytesPerSecond, sink.bytesPerSecond * BURST_SECONDS);
  }

  open(call: MetricsCall, answer: MetricsAnswer): void {
    if (this.isOn) this.streams.open(call, this.reporting(answer));
    else answer({ code: status.UNIMPLEMENTED, details: 'this EFMS takes no metrics; see EFMS_METRICS_SERVICE' });
  }

  private reporting(answer: MetricsAnswer): Reporting {
    let receive = (_bytes: Buffer): void => undefined;
    return {
      reporter: readMetricsReporter,
      begin: ({ tenantId, proxyId }) => {
        let lastAt = this.clock.monotonic();
        receive = (bytes) => {
          const { latencies, leftOut } = readMetricsMessage(bytes);
          this.traffic.stats.drop('series', leftOut);
          const snapshot = this.running.since(proxyId, lastAt);
          lastAt = this.clock.monotonic();
          const others = latencies.filter(({ cluster }) => cluster !== XDS_CLUSTER);
          this.traffic.addLatencies({ tenantId, proxyId, snapshot }, others);
        };
      },
      receive: (bytes) => {
        const { stats } = this.traffic;
        stats.metricsMessages++;
        stats.reportBytes += bytes.length;
        if (this.messages.take(1) && this.bytes.take(bytes.length)) receive(bytes);
        else stats.drop('budget');
      },
      end: (failure) => (failure ? answer(failure) : answer(null, EMPTY)),
    };
  }
}
