import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** All that people say about a virtual machine. */
export interface VmDocument {
  readonly hostname: string;
  /** In PostgreSQL's own form: IPv6 in lower case and shortened. */
  readonly ipAddress: string | null;
  readonly region: string | null;
  readonly availabilityZone: string | null;
  readonly cpuCores: number | null;
  readonly memoryMb: number | null;
  readonly diskGb: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** One machine that containers and proxies are on. */
@Entity({ tableName: 'virtual_machines' })
export class VirtualMachine {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'text' })
  hostname!: string;

  @Property({ type: 'text', columnType: 'inet', nullable: true })
  ipAddress!: string | null;

  @Property({ type: 'text', nullable: true })
  region!: string | null;

  @Property({ type: 'text', nullable: true })
  availabilityZone!: string | null;

  @Property({ type: 'integer', nullable: true })
  cpuCores!: number | null;

  @Property({ type: new BigIntType('number'), nullable: true })
  memoryMb!: number | null;

  @Property({ type: new BigIntType('number'), nullable: true })
  diskGb!: number | null;

  @Property({ type: 'jsonb' })
  labels!: Readonly<Record<string, string>>;

  @Property({ type: 'jsonb' })
  metadata!: Readonly<Record<string, unknown>>;

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  constructor(identity: { readonly id: string; readonly tenantId: string }, document: VmDocument) {
    this.id = identity.id;
    this.tenantId = identity.tenantId;
    this.replace(document);
  }

  replace(document: VmDocument): void {
    this.hostname = document.hostname;
    this.ipAddress = document.ipAddress;
    this.region = document.region;
    this.availabilityZone = document.availabilityZone;
    this.cpuCores = document.cpuCores;
    this.memoryMb = document.memoryMb;
    this.diskGb = document.diskGb;
    this.labels = document.labels;
    this.metadata = document.metadata;
  }

  toDocument(): VmDocument {
    return {
      hostname: this.hostname,
      ipAddress: this.ipAddress,
      region: this.region,
      availabilityZone: this.availabilityZone,
      cpuCores: this.cpuCores,
      memoryMb: this.memoryMb,
      diskGb: this.diskGb,
      labels: this.labels,
      metadata: this.metadata,
    };
  }
}
