import { isIPv6 } from 'node:net';
import type { FindingList } from '../finding-list.js';
import type { Fields } from '../message-tree.js';
import type { Step } from '../place.js';
import type { SnapshotResource } from '../snapshot-resource.js';

/** An address that a listener takes for itself. */
interface Bound {
  readonly resource: SnapshotResource;
  readonly steps: readonly Step[];
  readonly host: string;
  /** What makes two hosts on one machine collide: protocol, port and network namespace; undefined for pipes. */
  readonly socket: string;
}

/** What Envoy demands of each listener, and that no two of them take the same address. */
export function checkListeners(resources: readonly SnapshotResource[], findings: FindingList): void {
  const listeners = resources.filter(({ resourceType }) => resourceType.kind === 'listener');
  for (const listener of listeners) checkShape(listener, findings);
  checkAddresses(listeners.flatMap(boundAddresses), findings);
}

function checkShape({ message, tree, pointerTo }: SnapshotResource, findings: FindingList): void {
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

function boundAddresses(resource: SnapshotResource): Bound[] {
  const { message, type } = resource;
  const first = boundAddress(resource, message['address'], fieldSteps(type.field['address']));
  const more = (message['additionalAddresses'] as readonly Fields[]).map((additional, i) => {
    const list = type.field['additionalAddresses'];
    const steps = [...fieldSteps(list), i, ...fieldSteps(list?.message?.field['address'])];
    return boundAddress(resource, additional['address'], steps);
  });
  return [first, ...more].filter((bound) => bound !== undefined);
}

const fieldSteps = (step: Step | undefined): Step[] => (step === undefined ? [] : [step]);

function boundAddress(resource: SnapshotResource, address: unknown, steps: readonly Step[]): Bound | undefined {
  if (typeof address !== 'object' || address === null) return undefined;
  const { case: kind, value } = (address as Fields)['address'] as { readonly case?: string; readonly value?: unknown };
  if (kind === 'pipe') return { resource, steps, host: (value as Fields)['path'] as string, socket: 'pipe' };
  if (kind !== 'socketAddress') return undefined;
  const socket = value as Fields;
  const { case: portKind, value: port } = socket['portSpecifier'] as {
    readonly case?: string;
    readonly value?: unknown;
  };
  // Port 0 is whatever is free.
  if (portKind !== 'portValue' || port === 0) return undefined;
  const space = (socket['networkNamespaceFilepath'] as string | undefined) ?? '';
  return {
    resource,
    steps,
    host: normalHost(socket['address'] as string),
    socket: `${String(socket['protocol'])} ${String(port)} ${space}`,
  };
}

/** One spelling for the many of an IPv6 address. */
const normalHost = (host: string): string =>
  isIPv6(host) ? new URL(`http://[${host.split('%')[0] ?? ''}]`).hostname : host;

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '[::]';
const isSixth = (host: string): boolean => host.startsWith('[');

function checkAddresses(addresses: readonly Bound[], findings: FindingList): void {
  const bySocket = Map.groupBy(addresses, ({ socket }) => socket);
  for (const group of bySocket.values()) {
    const byHost = new Map<string, Bound>();
    for (const bound of group) {
      const same = byHost.get(bound.host);
      const overlap = same ?? (group.length > 1 ? overlapOf(bound, byHost) : undefined);
      if (overlap) reportClash(bound, overlap, same !== undefined, findings);
      if (!same) byHost.set(bound.host, bound);
    }
  }
}

/** An earlier address on the same port that takes in this one, or the other way round. */
function overlapOf({ host }: Bound, byHost: ReadonlyMap<string, Bound>): Bound | undefined {
  if (!isWildcard(host)) return byHost.get(isSixth(host) ? '[::]' : '0.0.0.0');
  for (const other of byHost.values()) if (isSixth(other.host) === isSixth(host)) return other;
  return undefined;
}

function reportClash(bound: Bound, other: Bound, isSame: boolean, findings: FindingList): void {
  const make = (rule: string, detail: string) => () => ({
    pointer: bound.resource.pointerTo(bound.steps),
    rule,
    detail,
  });
  const name = `listener "${other.resource.name}"`;
  if (isSame) {
    findings.error(make('duplicate.address', `${name} has this address too; give one of them another address or port`));
  } else {
    findings.warning(
      make('overlapping.address', `${name} has this port on an address that overlaps; the more exact one wins`),
    );
  }
}
