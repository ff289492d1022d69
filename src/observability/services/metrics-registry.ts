import { Registry } from 'prom-client';

export { Registry } from 'prom-client';

/** Injects the registry that `/metrics` renders. One per application, so that tests may run several side by side. */
export const METRICS_REGISTRY = Symbol('efms:metrics-registry');

export const createMetricsRegistry = (): Registry => new Registry();
