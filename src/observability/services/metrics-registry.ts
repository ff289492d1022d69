import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';

export { Registry } from 'prom-client';

/** Injects the registry that `/metrics` renders. One per application, so that tests may run several side by side. */
export const METRICS_REGISTRY = Symbol('efms:metrics-registry');

/** A registry with the process's own metrics (CPU, memory, event loop delay, garbage collection) and the build. */
export function createMetricsRegistry(version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'efms_' });
  new Gauge({
    name: 'efms_build_info',
    help: 'The running release; always 1',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.versions.node }, 1);
  return registry;
}
