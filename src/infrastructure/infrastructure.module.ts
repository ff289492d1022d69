import { Module } from '@nestjs/common';
import { ProxiesController } from './controllers/proxies.controller.js';
import { ProxyCredentialsController } from './controllers/proxy-credentials.controller.js';
import { Proxies } from './services/proxies.service.js';
import { ProxyCredentials } from './services/proxy-credentials.service.js';
import { ProxyDirectory } from './services/proxy-directory.js';
import { ProxyHeads } from './services/proxy-heads.js';
import { ProxyStatusStore } from './services/proxy-status-store.js';

/** The proxies of a tenant, their credentials, heads and status. Needs Database, Clock and CONFIG from a global module. */
@Module({
  controllers: [ProxiesController, ProxyCredentialsController],
  providers: [Proxies, ProxyCredentials, ProxyDirectory, ProxyHeads, ProxyStatusStore],
  exports: [ProxyCredentials, ProxyDirectory, ProxyHeads, ProxyStatusStore],
})
export class InfrastructureModule {}
