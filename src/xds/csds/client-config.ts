import { type ResourceKind, resourceType } from '../resource-types.js';
import type { TypeSync } from '../ledger/type-sync.js';
import { bytesHeader, stringField, varint } from '../server/wire/protobuf.js';

/** What a proxy did not take. */
export interface FailedUpdate {
  readonly at: Date;
  readonly details: string;
  /** Of the resource that failed; empty where it is not known. */
  readonly version: string;
}

/** A resource and where a proxy stands with it. */
export interface ResourceStatus {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly version: string;
  /** Encoded; null where it is not told. */
  readonly content: Buffer | null;
  readonly updatedAt: Date | null;
  readonly state: TypeSync['state'];
  readonly error: FailedUpdate | null;
}

export interface ClientConfig {
  readonly nodeId: string;
  readonly nodeCluster: string | null;
  /** The name of the proxy at EFMS. */
  readonly scope: string;
  readonly resources: readonly ResourceStatus[];
}

/** `envoy.service.status.v3.ConfigStatus`, as the server sees it, and `envoy.admin.v3.ClientResourceStatus`, as the client does. */
const STATES: Readonly<Record<TypeSync['state'], { readonly config: number; readonly client: number }>> = {
  SYNCED: { config: 1, client: 3 },
  NOT_SENT: { config: 2, client: 0 },
  STALE: { config: 3, client: 1 },
  ERROR: { config: 4, client: 4 },
};

/** An encoded `envoy.service.status.v3.ClientStatusResponse`. */
export function encodeStatusResponse(configs: readonly ClientConfig[]): Buffer {
  return Buffer.concat(configs.flatMap((config) => messageField(1, clientConfig(config))));
}

function clientConfig({ nodeId, nodeCluster, scope, resources }: ClientConfig): Buffer[] {
  return [
    ...messageField(1, [stringField(1, nodeId), stringField(2, nodeCluster ?? '')]),
    ...resources.flatMap((resource) => messageField(3, genericXdsConfig(resource))),
    stringField(4, scope),
  ];
}

function genericXdsConfig({ kind, name, version, content, updatedAt, state, error }: ResourceStatus): Buffer[] {
  const { typeUrl } = resourceType(kind);
  return [
    stringField(1, typeUrl),
    stringField(2, name),
    stringField(3, version),
    ...(content ? messageField(4, [stringField(1, typeUrl), bytesHeader(2, content.length), content]) : []),
    ...(updatedAt ? messageField(5, timestamp(updatedAt)) : []),
    ...numberField(6, STATES[state].config),
    ...numberField(7, STATES[state].client),
    ...(error ? messageField(8, failureState(error)) : []),
  ];
}

/** `envoy.admin.v3.UpdateFailureState`. What failed is not repeated: it is what the version names. */
function failureState({ at, details, version }: FailedUpdate): Buffer[] {
  return [...messageField(2, timestamp(at)), stringField(3, details), stringField(4, version)];
}

function timestamp(at: Date): Buffer[] {
  const milliseconds = at.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  return [...numberField(1, seconds), ...numberField(2, (milliseconds - seconds * 1000) * 1e6)];
}

function messageField(field: number, parts: readonly Buffer[]): Buffer[] {
  const length = parts.reduce((total, part) => total + part.length, 0);
  return [bytesHeader(field, length), ...parts];
}

const numberField = (field: number, value: number): Buffer[] => (value === 0 ? [] : [varint(field * 8), varint(value)]);
