import type { EntityClass } from '@mikro-orm/sql';

export { DeploymentsModule } from './deployments.module.js';

/** None: sets of targets are what is read and written here, and SQL says that better. */
export const deploymentEntities: readonly EntityClass<object>[] = [];
