import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

export interface Locality {
  readonly region?: string;
  readonly zone?: string;
  readonly subZone?: string;
}

export const LIFECYCLE_STATES = ['running', 'draining', 'stopped'] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** How Envoy drains: its `--drain-strategy`. */
export const DRAIN_STRATEGIES = ['gradual', 'immediate'] as const;
export type DrainStrategy = (typeof DRAIN_STRATEGIES)[number];

interface ProxyDescription {
  readonly name: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cluster: string | null;
  readonly locality: Locality | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** In PostgreSQL's own form: IPv6 in lower case and shortened. */
  readonly adminAddress: string;
  readonly adminPort: number;
  readonly drainStrategy: DrainStrategy;
}

/** All that people say about a proxy, the place where it runs named by addresses. */
export interface ProxyRequest extends ProxyDescription {
  readonly vm?: string;
  readonly container?: string;
}

/** The same with ids. A proxy in a container has its machine from there, so at most one of the two is set. */
export interface ProxyDocument extends ProxyDescription {
  readonly vmId: string | null;
  readonly containerId: string | null;
}

/**
 * One Envoy as people describe it; what it reports itself is in `proxy_status`. Its head, status and label rows are kept by the
 * database. `revision` is that of the last read: the database raises it with each change.
 */
@Entity({ tableName: 'envoy_proxies' })
export class EnvoyProxy {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'text' })
  name!: string;

  /** The identity that the Envoy states on its streams; unique in the tenant. */
  @Property({ type: 'text' })
  nodeId!: string;

  @Property({ type: 'text', nullable: true })
  nodeCluster!: string | null;

  @Property({ type: 'text', nullable: true })
  localityRegion!: string | null;

  @Property({ type: 'text', nullable: true })
  localityZone!: string | null;

  @Property({ type: 'text', nullable: true })
  localitySubzone!: string | null;

  @Property({ type: 'jsonb' })
  labels!: Readonly<Record<string, string>>;

  @Property({ type: 'jsonb' })
  metadata!: Readonly<Record<string, unknown>>;

  @Property({ type: 'text', columnType: 'inet' })
  adminAddress!: string;

  @Property({ type: 'integer' })
  adminPort!: number;

  @Property({ type: 'text' })
  drainStrategy!: DrainStrategy;

  @Property({ type: 'uuid', nullable: true })
  vmId!: string | null;

  @Property({ type: 'uuid', nullable: true })
  containerId!: string | null;

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  constructor(identity: { readonly id: string; readonly tenantId: string }, document: ProxyDocument) {
    this.id = identity.id;
    this.tenantId = identity.tenantId;
    this.replace(document);
  }

  replace(document: ProxyDocument): void {
    this.name = document.name;
    this.nodeId = document.nodeId;
    this.labels = document.labels;
    this.nodeCluster = document.cluster;
    this.localityRegion = document.locality?.region ?? null;
    this.localityZone = document.locality?.zone ?? null;
    this.localitySubzone = document.locality?.subZone ?? null;
    this.metadata = document.metadata;
    this.adminAddress = document.adminAddress;
    this.adminPort = document.adminPort;
    this.drainStrategy = document.drainStrategy;
    this.vmId = document.vmId;
    this.containerId = document.containerId;
  }

  /** What `replace` took. A method, so that the ORM does not take it for a column. */
  toDocument(): ProxyDocument {
    return {
      name: this.name,
      nodeId: this.nodeId,
      labels: this.labels,
      cluster: this.nodeCluster,
      locality: localityOf(this.localityRegion, this.localityZone, this.localitySubzone),
      metadata: this.metadata,
      adminAddress: this.adminAddress,
      adminPort: this.adminPort,
      drainStrategy: this.drainStrategy,
      vmId: this.vmId,
      containerId: this.containerId,
    };
  }
}

/** A locality from its columns; null where all are. */
export function localityOf(region: string | null, zone: string | null, subZone: string | null): Locality | null {
  if (region === null && zone === null && subZone === null) return null;
  return {
    ...(region === null ? {} : { region }),
    ...(zone === null ? {} : { zone }),
    ...(subZone === null ? {} : { subZone }),
  };
}
