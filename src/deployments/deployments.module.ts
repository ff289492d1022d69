import { Module, type OnModuleInit } from '@nestjs/common';
import { InfrastructureModule } from '../infrastructure/index.js';
import { ConfigurationUses, VersioningModule } from '../versioning/index.js';
import { XdsModule } from '../xds/index.js';
import { DeploymentsController } from './controllers/deployments.controller.js';
import { DeploymentEngine } from './services/deployment-engine.js';
import { DeploymentReader } from './services/deployment-reader.js';
import { DeploymentSteps } from './services/deployment-steps.js';
import { DeploymentTargets } from './services/deployment-targets.js';
import { DeploymentsService } from './services/deployments.service.js';

/** Decides which proxies are assigned which version, and when. */
@Module({
  imports: [InfrastructureModule, XdsModule, VersioningModule],
  controllers: [DeploymentsController],
  providers: [DeploymentEngine, DeploymentReader, DeploymentSteps, DeploymentTargets, DeploymentsService],
})
export class DeploymentsModule implements OnModuleInit {
  constructor(
    private readonly uses: ConfigurationUses,
    private readonly reader: DeploymentReader,
  ) {}

  onModuleInit(): void {
    this.uses.register(this.reader);
  }
}
