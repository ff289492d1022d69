import { quote } from '../decoding/decode-run.js';
import { didYouMean } from '../decoding/suggestion.js';
import type { FindingList } from '../finding-list.js';
import type { ResourceKind } from '../../resource-types.js';
import type { SnapshotResource } from '../snapshot-resource.js';

interface Wording {
  readonly rule: string;
  readonly what: string;
  readonly advice: string;
}

const WORDING: Partial<Record<ResourceKind, Wording>> = {
  cluster: { rule: 'reference.cluster', what: 'cluster', advice: 'add it to clusters or name another' },
  endpoint: {
    rule: 'reference.endpoint',
    what: 'endpoint set',
    advice: 'add it to endpoints, or give the cluster another type than EDS',
  },
  route: { rule: 'reference.route', what: 'route configuration', advice: 'add it to routes or name another' },
  secret: {
    rule: 'reference.secret',
    what: 'secret',
    advice: 'add {"name": …} to secrets, and the secret itself to the tenant',
  },
  extensionConfig: {
    rule: 'reference.extension-config',
    what: 'extension configuration',
    advice: 'add it to extensionConfigs under the name of the filter',
  },
};

/**
 * What resources refer to must be in the snapshot: Envoy would wait for it in vain, or answer 503.
 * @param unread kinds of which nothing can be said, because not all of the snapshot could be read
 */
export function checkReferences(
  resources: readonly SnapshotResource[],
  unread: ReadonlySet<ResourceKind>,
  findings: FindingList,
): void {
  const names = new Map<ResourceKind, Set<string>>();
  for (const { resourceType, name } of resources) {
    names.set(resourceType.kind, (names.get(resourceType.kind) ?? new Set()).add(name));
  }
  for (const { references, pointerTo } of resources) {
    for (const { kind, name, steps } of references) {
      const wording = WORDING[kind];
      if (!wording || unread.has(kind) || names.get(kind)?.has(name)) continue;
      findings.error(() => {
        const guess = didYouMean(name, names.get(kind) ?? []) || `; ${wording.advice}`;
        const detail = `the ${wording.what} ${quote(name)} is not in this snapshot${guess}`;
        return { pointer: pointerTo(steps), rule: wording.rule, detail };
      });
    }
  }
}
