import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ReportStreams } from './report-streams.js';
import { TrafficWriter } from './traffic-writer.js';

/** Starts the writer of traffic, and stops it when no stream reports any more. */
@Injectable()
export class TrafficLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly reports: ReportStreams,
    private readonly traffic: TrafficWriter,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.traffic.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    // Idempotent; what order Nest calls providers in does not matter so.
    this.reports.beforeApplicationShutdown();
    await this.traffic.stop();
  }
}
