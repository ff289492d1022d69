export { deploymentEvents } from './deployments.events.js';
export { DeploymentsModule } from './deployments.module.js';
