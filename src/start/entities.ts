import type { EntityClass } from '@mikro-orm/sql';
import { infrastructureEntities } from '../infrastructure/index.js';
import { tenancyEntities } from '../tenancy/index.js';
import { versioningEntities } from '../versioning/index.js';
import { xdsEntities } from '../xds/index.js';

/** Every entity of the process, as the two ORM instances want them. */
export const ENTITIES: readonly EntityClass<object>[] = [
  ...tenancyEntities,
  ...infrastructureEntities,
  ...xdsEntities,
  ...versioningEntities,
];
