import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { newId } from '../../common/context/ids.js';

export interface NewConfiguration {
  readonly tenantId: string;
  readonly name: string;
  readonly description: string;
  readonly tags: readonly string[];
}

/** A named line of history of Envoy resources. `revision` and `updatedAt` are kept by the database. */
@Entity({ tableName: 'proxy_configurations' })
export class ProxyConfiguration {
  @PrimaryKey({ type: 'uuid' })
  id: string = newId();

  @Property({ type: 'uuid' })
  tenantId: string;

  @Property({ type: 'text' })
  name: string;

  @Property({ type: 'text' })
  description: string;

  @Property({ type: 'text' })
  kind: 'configuration' | 'template' = 'configuration';

  @Property({ type: 'jsonb' })
  tags: readonly string[];

  @Property({ type: new BigIntType('number'), default: 1 })
  revision!: number;

  @Property({ type: 'datetime', defaultRaw: 'now()' })
  createdAt!: Date;

  @Property({ type: 'datetime', defaultRaw: 'now()' })
  updatedAt!: Date;

  constructor(configuration: NewConfiguration) {
    this.tenantId = configuration.tenantId;
    this.name = configuration.name;
    this.description = configuration.description;
    this.tags = configuration.tags;
  }
}
