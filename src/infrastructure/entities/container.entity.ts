import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** What the container engine lets the container have at most; absent is no limit. */
export interface ResourceLimits {
  /** Cores; fractions are allowed. */
  readonly cpus?: number;
  readonly memoryMb?: number;
  readonly pids?: number;
}

interface ContainerDescription {
  readonly name: string;
  readonly containerId: string;
  readonly image: string | null;
  readonly imageDigest: string | null;
  readonly resourceLimits: ResourceLimits;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** All that people say about a container, its machine named by an address. */
export interface ContainerRequest extends ContainerDescription {
  readonly vm: string;
}

export interface ContainerDocument extends ContainerDescription {
  readonly vmId: string;
}

/** One container on a machine. The name is EFMS's own and lasts; `containerId` is the container engine's. */
@Entity({ tableName: 'containers' })
export class Container {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'uuid' })
  vmId!: string;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'text' })
  containerId!: string;

  @Property({ type: 'text', nullable: true })
  image!: string | null;

  @Property({ type: 'text', nullable: true })
  imageDigest!: string | null;

  @Property({ type: 'jsonb' })
  resourceLimits!: ResourceLimits;

  @Property({ type: 'jsonb', fieldName: 'environment_vars' })
  environment!: Readonly<Record<string, string>>;

  @Property({ type: 'jsonb' })
  labels!: Readonly<Record<string, string>>;

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  constructor(identity: { readonly id: string; readonly tenantId: string }, document: ContainerDocument) {
    this.id = identity.id;
    this.tenantId = identity.tenantId;
    this.replace(document);
  }

  replace(document: ContainerDocument): void {
    this.vmId = document.vmId;
    this.name = document.name;
    this.containerId = document.containerId;
    this.image = document.image;
    this.imageDigest = document.imageDigest;
    this.resourceLimits = document.resourceLimits;
    this.environment = document.environment;
    this.labels = document.labels;
  }

  toDocument(): ContainerDocument {
    return {
      vmId: this.vmId,
      name: this.name,
      containerId: this.containerId,
      image: this.image,
      imageDigest: this.imageDigest,
      resourceLimits: this.resourceLimits,
      environment: this.environment,
      labels: this.labels,
    };
  }
}
