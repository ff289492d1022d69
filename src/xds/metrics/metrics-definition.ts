import type { PackageDefinition } from '@grpc/proto-loader';
import { bytesMethod } from '../server/bytes-method.js';

export const METRICS_PACKAGE = 'envoy.service.metrics.v3';
export const METRICS_SERVICE = `${METRICS_PACKAGE}.MetricsService`;

/** Envoy's metrics service, with messages as bytes. */
export const METRICS_DEFINITION: PackageDefinition = {
  [METRICS_SERVICE]: { ...bytesMethod(METRICS_SERVICE, 'StreamMetrics', 'requests') },
};
