import { Container } from './entities/container.entity.js';
import { EnvoyProxy } from './entities/envoy-proxy.entity.js';
import { ProxyCredential } from './entities/proxy-credential.entity.js';
import { ProxyGroup } from './entities/proxy-group.entity.js';
import { VirtualMachine } from './entities/virtual-machine.entity.js';

export { bootstrapYaml, DEFAULT_NODE_CLUSTER, XDS_CLUSTER } from './bootstrap/render-bootstrap.js';
export { RenderingQuery } from './dto/proxy-credential.dto.js';
export { tagged } from './controllers/conventions.js';
export { canonicalIp, IsIpAddress } from './dto/ip-address.js';
export { IsMetadata } from './dto/proxy-checks.js';
export { EnvoyProxy } from './entities/envoy-proxy.entity.js';
export { infrastructureEvents } from './infrastructure.events.js';
export { infrastructureProblems } from './infrastructure.errors.js';
export { InfrastructureModule } from './infrastructure.module.js';
export { DescribedThings, type Kind, type Pending, type Replacement } from './services/described-things.js';
export { GroupMembers } from './services/group-members.service.js';
export { type AuthenticatedProxy, ProxyCredentials } from './services/proxy-credentials.service.js';
export { ProxyDirectory, type ProxyRef } from './services/proxy-directory.js';
export { ProxyHeads, type ProxyKey, proxyKeyText } from './services/proxy-heads.js';
export { type ProxyStatusReport, ProxyStatusStore } from './services/proxy-status-store.js';
export { XdsAddress } from './services/xds-address.js';

export const infrastructureEntities = [Container, EnvoyProxy, ProxyCredential, ProxyGroup, VirtualMachine];
