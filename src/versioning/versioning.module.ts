import { Module } from '@nestjs/common';
import { XdsModule } from '../xds/index.js';
import { ConfigurationsController } from './controllers/configurations.controller.js';
import { VersionTrafficController } from './controllers/version-traffic.controller.js';
import { VersionsController } from './controllers/versions.controller.js';
import { BranchSecrets } from './services/branch-secrets.js';
import { VersionContents } from './services/content/version-contents.js';
import { ConfigurationUses } from './services/configuration-uses.js';
import { ConfigurationsService } from './services/configurations.service.js';
import { VersionCommits } from './services/version-commits.js';
import { VersionTraffic } from './services/version-traffic.js';
import { VersionsService } from './services/versions.service.js';

/** The history of configurations: what was committed, by whom, and what changed. */
@Module({
  imports: [XdsModule],
  controllers: [ConfigurationsController, VersionTrafficController, VersionsController],
  providers: [
    BranchSecrets,
    ConfigurationUses,
    ConfigurationsService,
    VersionCommits,
    VersionContents,
    VersionTraffic,
    VersionsService,
  ],
  exports: [ConfigurationUses, VersionsService],
})
export class VersioningModule {}
