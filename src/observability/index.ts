export { isEventUpgrade } from './event-upgrades.js';
export { EventSocketAdapter } from './gateways/event-socket.adapter.js';
export { ObservabilityModule } from './observability.module.js';
