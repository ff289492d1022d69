import { EnvoyProxy } from './entities/envoy-proxy.entity.js';
import { ProxyCredential } from './entities/proxy-credential.entity.js';

export { EnvoyProxy } from './entities/envoy-proxy.entity.js';
export { infrastructureProblems } from './infrastructure.errors.js';
export { InfrastructureModule } from './infrastructure.module.js';
export { type AuthenticatedProxy, ProxyCredentials } from './services/proxy-credentials.service.js';
export { ProxyDirectory, type ProxyRef } from './services/proxy-directory.js';
export { type Head, ProxyHeads, type ProxyKey } from './services/proxy-heads.js';
export { type ProxyStatusReport, ProxyStatusStore } from './services/proxy-status-store.js';

export const infrastructureEntities = [EnvoyProxy, ProxyCredential];
