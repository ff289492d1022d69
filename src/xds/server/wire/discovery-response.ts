import type { EncodedResource } from '../../snapshots/compiled-snapshot.js';
import { type ResourceKind, resourceType } from '../../resource-types.js';
import { remembered } from '../remembered.js';
import { bytesHeader, stringField } from './protobuf.js';

export interface SotwResponse {
  readonly kind: ResourceKind;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: Iterable<EncodedResource>;
}

export interface DeltaResponse {
  readonly kind: ResourceKind;
  readonly systemVersionInfo: string;
  readonly nonce: string;
  readonly resources: Iterable<EncodedResource>;
  readonly removed: Iterable<string>;
}

/** An encoded `envoy.service.discovery.v3.DiscoveryResponse`. The nonce stands last, so equal content has an equal prefix. */
export function encodeSotwResponse(response: SotwResponse): Buffer {
  const parts = [stringField(1, response.versionInfo)];
  for (const resource of response.resources) parts.push(sotwHeader(resource), resource.value);
  parts.push(stringField(4, resourceType(response.kind).typeUrl), stringField(5, response.nonce));
  return Buffer.concat(parts);
}

/** An encoded `envoy.service.discovery.v3.DeltaDiscoveryResponse`, the nonce last. */
export function encodeDeltaResponse(response: DeltaResponse): Buffer {
  const parts = [stringField(1, response.systemVersionInfo)];
  for (const resource of response.resources) parts.push(deltaHeader(resource), resource.value);
  parts.push(stringField(4, resourceType(response.kind).typeUrl));
  for (const name of response.removed) parts.push(stringField(6, name));
  parts.push(stringField(5, response.nonce));
  return Buffer.concat(parts);
}

/** What stands before a resource's bytes in `resources` (field 2) of a DiscoveryResponse, an Any; made once, as the bytes are. */
const sotwHeader = remembered((resource: EncodedResource): Buffer => {
  const any = anyHeader(resource);
  return Buffer.concat([bytesHeader(2, any.length + resource.value.length), any]);
});

/** The same of a DeltaDiscoveryResponse: a Resource with version (1), name (3) and, last, the Any (2). */
const deltaHeader = remembered((resource: EncodedResource): Buffer => {
  const any = anyHeader(resource);
  const own = Buffer.concat([
    stringField(1, resource.version),
    stringField(3, resource.name),
    bytesHeader(2, any.length + resource.value.length),
    any,
  ]);
  return Buffer.concat([bytesHeader(2, own.length + resource.value.length), own]);
});

/** `google.protobuf.Any` up to the bytes of its value. */
function anyHeader(resource: EncodedResource): Buffer {
  return Buffer.concat([stringField(1, resourceType(resource.kind).typeUrl), bytesHeader(2, resource.value.length)]);
}
