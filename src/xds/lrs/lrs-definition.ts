import type { PackageDefinition } from '@grpc/proto-loader';
import { bytesMethod } from '../server/bytes-method.js';

export const LRS_PACKAGE = 'envoy.service.load_stats.v3';
export const LRS_SERVICE = `${LRS_PACKAGE}.LoadReportingService`;

/** The load reporting service, with messages as bytes. */
export const LRS_DEFINITION: PackageDefinition = {
  [LRS_SERVICE]: { ...bytesMethod(LRS_SERVICE, 'StreamLoadStats', 'bidirectional') },
};
