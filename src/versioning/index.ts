import type { EntityClass } from '@mikro-orm/sql';
import { ProxyConfiguration } from './entities/proxy-configuration.entity.js';

export { versioningEvents } from './versioning.events.js';
export { VersioningModule } from './versioning.module.js';
export { type ConfigurationUse, ConfigurationUses } from './services/configuration-uses.js';
export { type Version, VersionsService } from './services/versions.service.js';
export type { SnapshotDiff } from './services/diff/snapshot-diff.js';
export { ActorDto, SnapshotDiffDto } from './dto/version.dto.js';

export const versioningEntities: readonly EntityClass<object>[] = [ProxyConfiguration];
