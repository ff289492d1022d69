import type { PackageDefinition } from '@grpc/proto-loader';
import { bytesMethod } from '../server/bytes-method.js';

export const CSDS_PACKAGE = 'envoy.service.status.v3';
export const CSDS_SERVICE = `${CSDS_PACKAGE}.ClientStatusDiscoveryService`;

/** The client status discovery service, with messages as bytes. */
export const CSDS_DEFINITION: PackageDefinition = {
  [CSDS_SERVICE]: {
    ...bytesMethod(CSDS_SERVICE, 'StreamClientStatus', 'bidirectional'),
    ...bytesMethod(CSDS_SERVICE, 'FetchClientStatus', 'unary'),
  },
};
