import type { PackageDefinition } from '@grpc/proto-loader';

export const DISCOVERY_PACKAGE = 'envoy.service.discovery.v3';
export const ADS_SERVICE = `${DISCOVERY_PACKAGE}.AggregatedDiscoveryService`;

const passThrough = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const bidirectional = (method: string): PackageDefinition[string] => ({
  [method]: {
    path: `/${ADS_SERVICE}/${method}`,
    originalName: method,
    requestStream: true,
    responseStream: true,
    requestSerialize: passThrough,
    requestDeserialize: passThrough as (bytes: Buffer) => object,
    responseSerialize: passThrough,
    responseDeserialize: passThrough as (bytes: Buffer) => object,
    options: {},
  } as never,
});

/**
 * `envoy.service.discovery.v3.AggregatedDiscoveryService`, written by hand so that messages pass as bytes: requests are read by
 * `wire/`, responses are encoded once and shared by streams.
 */
export const ADS_DEFINITION = {
  [ADS_SERVICE]: { ...bidirectional('StreamAggregatedResources'), ...bidirectional('DeltaAggregatedResources') },
} as PackageDefinition;
