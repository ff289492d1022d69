import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import type { Config } from '../../common/config/config.js';
import { CONFIG } from '../../common/config/config.token.js';
import { XDS_CLUSTER } from '../../infrastructure/index.js';
import { ReportStreams } from '../metrics/report-streams.js';
import { type Reporting, StreamOverflow } from '../metrics/report-stream.js';
import { RunningSnapshots } from '../metrics/running-snapshots.js';
import { TokenBucket } from '../metrics/token-bucket.js';
import { TrafficWriter } from '../metrics/traffic-writer.js';
import { encodeLoadStatsResponse, readLoadReport, readReporter } from './load-report.js';

export type LoadReportCall = ServerDuplexStream<Buffer, Buffer>;

/** A report of thousands of clusters beside its node; what is larger is of no Envoy. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Reports that may come at once, on top of twice as many as are asked for; beyond them some are passed over, and then the stream ends. */
const BURST = 10;
const MAX_PASSED_OVER = 100;

/** Takes load reports of proxies: all clusters of each, every so often. */
@Injectable()
export class LoadReports {
  private readonly intervalMs: number;
  private readonly response: Buffer;

  constructor(
    @Inject(CONFIG) { metrics }: Config,
    private readonly streams: ReportStreams,
    private readonly running: RunningSnapshots,
    private readonly traffic: TrafficWriter,
    private readonly clock: Clock,
  ) {
    this.intervalMs = metrics.lrsInterval;
    this.response = encodeLoadStatsResponse(this.intervalMs);
  }

  open(call: LoadReportCall): void {
    this.streams.open(call, this.reporting(call));
  }

  private reporting(call: LoadReportCall): Reporting {
    const rate = new TokenBucket(this.clock, 2000 / this.intervalMs, BURST);
    let passedOver = 0;
    let receive = (_bytes: Buffer): void => undefined;
    return {
      reporter: readReporter,
      begin: (proxy) => {
        let lastAt = this.clock.monotonic();
        receive = (bytes) => {
          const { loads, coversMs, leftOut } = readLoadReport(bytes);
          this.traffic.stats.drop('series', leftOut);
          const now = this.clock.monotonic();
          const snapshot = this.running.since(proxy.proxyId, Math.min(lastAt, now - coversMs));
          lastAt = now;
          const { tenantId, proxyId } = proxy;
          // Streams to EFMS itself are no traffic of anybody.
          const others = loads.filter(({ cluster }) => cluster !== XDS_CLUSTER);
          this.traffic.addLoads({ tenantId, proxyId, snapshot }, others);
        };
        call.write(this.response);
      },
      receive: (bytes) => {
        this.traffic.stats.loadReports++;
        this.traffic.stats.reportBytes += bytes.length;
        if (bytes.length > MAX_BYTES) throw new StreamOverflow(`a report is larger than ${MAX_BYTES} bytes`);
        if (rate.take(1)) receive(bytes);
        else {
          this.traffic.stats.drop('rate');
          if (++passedOver > MAX_PASSED_OVER) throw new StreamOverflow('reports come far more often than asked for');
        }
      },
      end: (failure) => {
        if (failure) call.emit('error', failure);
        else call.end();
      },
    };
  }
}
