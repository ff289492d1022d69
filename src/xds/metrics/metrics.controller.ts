import { Controller } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { METRICS_SERVICE } from './metrics-definition.js';
import { type MetricsAnswer, type MetricsCall, MetricsReports } from './metrics-reports.js';

/** Envoy's stats sink: how long requests of proxies take. */
@Controller()
export class MetricsServiceController {
  constructor(private readonly reports: MetricsReports) {}

  @GrpcStreamCall(METRICS_SERVICE, 'StreamMetrics')
  stream(call: MetricsCall, answer: MetricsAnswer): void {
    this.reports.open(call, answer);
  }
}
