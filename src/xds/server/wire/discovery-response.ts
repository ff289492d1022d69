import type { EncodedResource } from '../../snapshots/compiled-snapshot.js';
import { type ResourceKind, resourceType } from '../../resource-types.js';
import { bytesHeader, stringField } from './protobuf.js';

/** What stands before a resource's bytes inside a response; made once per resource, as the bytes are. */
const sotwHeaders = new WeakMap<EncodedResource, Buffer>();
const deltaHeaders = new WeakMap<EncodedResource, Buffer>();

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

/** `resources` (field 2) of a DiscoveryResponse: an Any. */
function sotwHeader(resource: EncodedResource): Buffer {
  let header = sotwHeaders.get(resource);
  if (!header) {
    const any = anyHeader(resource);
    header = Buffer.concat([bytesHeader(2, any.length + resource.value.length), any]);
    sotwHeaders.set(resource, header);
  }
  return header;
}

/** `resources` (field 2) of a DeltaDiscoveryResponse: a Resource with version (1), name (3) and, last, the Any (2). */
function deltaHeader(resource: EncodedResource): Buffer {
  let header = deltaHeaders.get(resource);
  if (!header) {
    const any = anyHeader(resource);
    const own = Buffer.concat([
      stringField(1, resource.version),
      stringField(3, resource.name),
      bytesHeader(2, any.length + resource.value.length),
      any,
    ]);
    header = Buffer.concat([bytesHeader(2, own.length + resource.value.length), own]);
    deltaHeaders.set(resource, header);
  }
  return header;
}

/** `google.protobuf.Any` up to the bytes of its value. */
function anyHeader(resource: EncodedResource): Buffer {
  return Buffer.concat([stringField(1, resourceType(resource.kind).typeUrl), bytesHeader(2, resource.value.length)]);
}
