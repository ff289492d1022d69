import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { EndpointChange, HealthStatus } from './overridden-endpoints.js';

/** All that people say about an endpoint override. */
export interface EndpointOverrideDocument extends EndpointChange {
  readonly name: string;
  readonly clusterName: string;
  readonly reason: string;
  readonly expiresAt: Date | null;
}

/** What people say about one endpoint, over what the snapshots of the tenant say about it. */
@Entity({ tableName: 'endpoint_overrides' })
export class EndpointOverride {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text' })
  clusterName!: string;

  @Property({ type: 'text' })
  address!: string;

  @Property({ type: 'integer' })
  port!: number;

  @Property({ type: 'text', nullable: true })
  healthStatus!: HealthStatus | null;

  @Property({ type: new BigIntType('number'), nullable: true })
  weight!: number | null;

  @Property({ type: 'text' })
  reason!: string;

  @Property({ type: 'datetime', nullable: true })
  expiresAt!: Date | null;

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  constructor(identity: { readonly id: string; readonly tenantId: string }, document: EndpointOverrideDocument) {
    this.id = identity.id;
    this.tenantId = identity.tenantId;
    this.replace(document);
  }

  replace(document: EndpointOverrideDocument): void {
    this.name = document.name;
    this.clusterName = document.clusterName;
    this.address = document.address;
    this.port = document.port;
    this.healthStatus = document.healthStatus;
    this.weight = document.weight;
    this.reason = document.reason;
    this.expiresAt = document.expiresAt;
  }

  toDocument(): EndpointOverrideDocument {
    return {
      name: this.name,
      clusterName: this.clusterName,
      address: this.address,
      port: this.port,
      healthStatus: this.healthStatus,
      weight: this.weight,
      reason: this.reason,
      expiresAt: this.expiresAt,
    };
  }
}
