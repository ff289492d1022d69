import type { FindingList } from '../finding-list.js';
import type { SnapshotResource } from '../snapshot-resource.js';
import { type Bound, boundAddresses, TakenAddresses } from './bound-addresses.js';

/** What Envoy demands of each listener, and that no two of them take the same address. */
export function checkListeners(resources: readonly SnapshotResource[], findings: FindingList): void {
  const listeners = resources.filter(({ resourceType }) => resourceType.kind === 'listener');
  for (const listener of listeners) checkListenerShape(listener, findings);
  const addresses = listeners.flatMap((listener) => boundAddresses(listener, `listener "${listener.name}"`));
  checkAddresses(addresses, new TakenAddresses(), findings);
}

/** What Envoy demands of a listener by itself. */
export function checkListenerShape({ message, tree, pointerTo }: SnapshotResource, findings: FindingList): void {
  // An API listener takes no connections, an internal one no address; UDP needs no filter chain.
  if (message['apiListener'] !== undefined || tree.isDamaged(message)) return;
  const isInternal = (message['listenerSpecifier'] as { readonly case?: string }).case === 'internalListener';
  if (message['address'] === undefined && !isInternal) {
    const detail = 'a Listener needs an address; give it one';
    findings.error(() => ({ pointer: pointerTo([]), rule: 'listener.address', detail }));
  }
  const chains = message['filterChains'] as readonly unknown[];
  if (
    chains.length === 0 &&
    message['defaultFilterChain'] === undefined &&
    message['udpListenerConfig'] === undefined
  ) {
    const detail = 'a Listener needs filter_chains or a default_filter_chain; add one';
    findings.error(() => ({ pointer: pointerTo([]), rule: 'listener.filter-chains', detail }));
  }
}

/**
 * No two of these take the same address; where one takes in another, Envoy lets the more exact one win.
 * @param taken addresses of others that are taken already; takes in the checked ones
 */
export function checkAddresses(addresses: readonly Bound[], taken: TakenAddresses, findings: FindingList): void {
  for (const bound of addresses) {
    const same = taken.same(bound);
    const other = same ?? taken.overlapping(bound);
    if (same) {
      const detail = `${same.owner} has this address too; give one of them another address or port`;
      findings.error(() => ({ pointer: bound.pointer(), rule: 'duplicate.address', detail }));
    } else if (other) {
      const detail = `${other.owner} has this port on an address that overlaps; the more exact one wins`;
      findings.warning(() => ({ pointer: bound.pointer(), rule: 'overlapping.address', detail }));
    }
    taken.add(bound);
  }
}
