import type { Finding } from '../../common/errors/finding.js';
import type { ResourceKind } from '../resource-types.js';
import type { ResourceReference } from '../snapshots/compiled-snapshot.js';

/** An object of parsed JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One resource of a snapshot document, checked and encoded. */
export interface ReadResource {
  readonly kind: ResourceKind;
  readonly name: string;
  /** The message, encoded so that equal content has equal bytes whatever the order or spelling of keys it was sent in. */
  readonly value: Buffer;
  /** `resourceVersion()` of the value. */
  readonly version: string;
  /** Canonical proto3 JSON: snake_case, fields in the order of their numbers, `@type` first. */
  readonly json: JsonObject;
  /** What must arrive before this resource is warm: endpoints of a cluster; routes, secrets and extensions of a listener. */
  readonly children: readonly ResourceReference[];
  /** All that this resource refers to by name, the children among them. */
  readonly references: readonly ResourceReference[];
}

/** What a snapshot document holds, or why it is refused. */
export interface SnapshotReading {
  /** Errors refuse the document, warnings do not; errors come first. At most 200, and a last one that says how many more. */
  readonly findings: readonly Finding[];
  /** Empty where a finding is an error. */
  readonly resources: readonly ReadResource[];
  /** `snapshotHash()` of the resources. */
  readonly hash: string;
}
