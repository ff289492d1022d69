import { Module } from '@nestjs/common';
import { TenancyModule } from '../tenancy/index.js';
import { BatchesController } from './controllers/batches.controller.js';
import { ContainerEventsController } from './controllers/container-events.controller.js';
import { ContainersController } from './controllers/containers.controller.js';
import { EnrolmentTokensController } from './controllers/enrolment-tokens.controller.js';
import { EnrolmentController } from './controllers/enrolment.controller.js';
import { GroupMembersController } from './controllers/group-members.controller.js';
import { ProxiesController } from './controllers/proxies.controller.js';
import { ProxyCredentialsController } from './controllers/proxy-credentials.controller.js';
import { ProxyGroupsController } from './controllers/proxy-groups.controller.js';
import { ProxyLifecycleController } from './controllers/proxy-lifecycle.controller.js';
import { VmsController } from './controllers/vms.controller.js';
import { Containers } from './services/containers.service.js';
import { EnrolmentAttempts } from './services/enrolment-attempts.js';
import { EnrolmentTokens } from './services/enrolment-tokens.service.js';
import { Enrolment } from './services/enrolment.service.js';
import { EnrolmentSteps } from './services/enrolment-steps.js';
import { GroupMembers } from './services/group-members.service.js';
import { Proxies } from './services/proxies.service.js';
import { ProxyBootstraps } from './services/proxy-bootstraps.js';
import { ProxyCredentials } from './services/proxy-credentials.service.js';
import { ProxyDirectory } from './services/proxy-directory.js';
import { ProxyGroups } from './services/proxy-groups.service.js';
import { ProxyHeads } from './services/proxy-heads.js';
import { ProxyLifecycle } from './services/proxy-lifecycle.js';
import { ProxyStatusStore } from './services/proxy-status-store.js';
import { XdsAddress } from './services/xds-address.js';
import { Vms } from './services/vms.service.js';

/**
 * The inventory of a tenant: its machines, containers, proxies and groups, what proxies prove themselves with and how they enrol, their
 * heads and status. Needs Database, Clock, CONFIG and Tls from a global module.
 */
@Module({
  imports: [TenancyModule],
  controllers: [
    ProxiesController,
    ProxyCredentialsController,
    ProxyLifecycleController,
    ProxyGroupsController,
    GroupMembersController,
    VmsController,
    ContainersController,
    ContainerEventsController,
    EnrolmentTokensController,
    EnrolmentController,
    BatchesController,
  ],
  providers: [
    Containers,
    Enrolment,
    EnrolmentAttempts,
    EnrolmentSteps,
    EnrolmentTokens,
    GroupMembers,
    Proxies,
    ProxyBootstraps,
    ProxyCredentials,
    ProxyDirectory,
    ProxyGroups,
    ProxyHeads,
    ProxyLifecycle,
    ProxyStatusStore,
    Vms,
    XdsAddress,
  ],
  exports: [GroupMembers, ProxyCredentials, ProxyDirectory, ProxyHeads, ProxyStatusStore, XdsAddress],
})
export class InfrastructureModule {}
