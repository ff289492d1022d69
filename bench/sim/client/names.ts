import type { Kind } from './kinds.ts';

/**
 * How the resources of a simulation are named, so that its clients find what a resource refers to by looking for names in its bytes,
 * without reading Envoy's messages.
 */
export const nameOf = {
  cluster: (number: number): string => `cluster-${digits(number)}`,
  listener: (number: number): string => `ingress-${digits(number)}`,
  route: (number: number): string => `routes-${digits(number)}`,
  secret: (number: number): string => `secret-${digits(number)}`,
};

/** What stands in a resource that some proxies refuse. */
export const POISON = 'poison';

const digits = (number: number): string => String(number).padStart(3, '0');

const REFERENCES: Readonly<Record<Kind, readonly (readonly [Kind, RegExp])[]>> = {
  cluster: [['secret', /secret-\d{3}/g]],
  endpoint: [],
  secret: [],
  listener: [['route', /routes-\d{3}/g]],
  route: [['cluster', /cluster-\d{3}/g]],
};

export interface Reference {
  readonly kind: Kind;
  readonly name: string;
}

/** What a resource refers to: a cluster to its endpoints and secrets, a listener to its routes, routes to their clusters. */
export function referencesIn(kind: Kind, name: string, value: Buffer): readonly Reference[] {
  const text = value.toString('latin1');
  const found = REFERENCES[kind].flatMap(([target, pattern]) =>
    [...new Set(text.match(pattern))].map((each): Reference => ({ kind: target, name: each })),
  );
  return kind === 'cluster' ? [{ kind: 'endpoint', name }, ...found] : found;
}
