import { Controller } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import { type LoadReportCall, LoadReports } from './load-reports.js';
import { LRS_SERVICE } from './lrs-definition.js';

/** Load reporting: what traffic proxies send where, and what becomes of it. */
@Controller()
export class LrsController {
  constructor(private readonly reports: LoadReports) {}

  @GrpcStreamCall(LRS_SERVICE, 'StreamLoadStats')
  stream(call: LoadReportCall): void {
    this.reports.open(call);
  }
}
