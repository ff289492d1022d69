export { isEventUpgrade } from './event-upgrades.js';
export { EventSocketAdapter } from './gateways/event-socket.adapter.js';
export { ObservabilityModule } from './observability.module.js';
export { type AuditScope, auditOfPlatform, auditOfTenant } from './services/audit-scope.js';
export { AuditVerification } from './services/audit-verification.js';
