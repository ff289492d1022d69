import { isIPv6 } from 'node:net';
import type { Fields } from '../message-tree.js';
import type { Step } from '../place.js';
import type { SnapshotResource } from '../snapshot-resource.js';

/** An address that something on the proxy's machine takes for itself. */
export interface Bound {
  /** Who takes it, in words. */
  readonly owner: string;
  /** The pointer to the address in the document that was sent. */
  readonly pointer: () => string;
  readonly host: string;
  readonly families: readonly Family[];
  /** What makes two hosts on one machine collide: protocol, port and network namespace; one for all pipes. */
  readonly socket: string;
}

type Family = 4 | 6;

/** What an address is found in. */
type Holder = Pick<SnapshotResource, 'type' | 'message' | 'pointerTo'>;

/** The addresses of a listener, additional ones too. */
export function boundAddresses(listener: Holder, owner: string): Bound[] {
  const { message, type } = listener;
  const first = boundAddress(
    listener,
    { address: message['address'], steps: fieldSteps(type.field['address']) },
    owner,
  );
  const more = (message['additionalAddresses'] as readonly Fields[]).map((additional, i) => {
    const list = type.field['additionalAddresses'];
    const steps = [...fieldSteps(list), i, ...fieldSteps(list?.message?.field['address'])];
    return boundAddress(listener, { address: additional['address'], steps }, owner);
  });
  return [first, ...more].filter((bound) => bound !== undefined);
}

const fieldSteps = (step: Step | undefined): Step[] => (step === undefined ? [] : [step]);

/** @returns undefined where no address is taken that anything else could want: none is given, or the port is whatever is free */
export function boundAddress(
  { pointerTo }: Pick<Holder, 'pointerTo'>,
  { address, steps }: { readonly address: unknown; readonly steps: readonly Step[] },
  owner: string,
): Bound | undefined {
  if (typeof address !== 'object' || address === null) return undefined;
  const { case: kind, value } = (address as Fields)['address'] as { readonly case?: string; readonly value?: unknown };
  const who = { owner, pointer: () => pointerTo(steps) };
  if (kind === 'pipe') return { ...who, host: (value as Fields)['path'] as string, families: [], socket: 'pipe' };
  if (kind !== 'socketAddress') return undefined;
  const socket = value as Fields;
  const { case: portKind, value: port } = socket['portSpecifier'] as {
    readonly case?: string;
    readonly value?: unknown;
  };
  if (portKind !== 'portValue' || port === 0) return undefined;
  const space = (socket['networkNamespaceFilepath'] as string | undefined) ?? '';
  const host = normalHost(socket['address'] as string);
  return {
    ...who,
    host,
    families: familiesOf(host, socket['ipv4Compat'] === true),
    socket: `${String(socket['protocol'])} ${String(port)} ${space}`,
  };
}

/** One spelling for the many of an IPv6 address. */
const normalHost = (host: string): string =>
  isIPv6(host) ? new URL(`http://[${host.split('%')[0] ?? ''}]`).hostname : host;

const WILDCARDS = ['0.0.0.0', '[::]'];

/** `[::]` takes IPv4 too where it is told to. */
function familiesOf(host: string, isCompatible: boolean): readonly Family[] {
  if (!host.startsWith('[')) return [4];
  return host === '[::]' && isCompatible ? [4, 6] : [6];
}

/** Addresses that are taken, to ask about others. */
export class TakenAddresses {
  private readonly bySocket = new Map<string, Map<string, Bound>>();

  /** The first that took an address keeps it. */
  add(bound: Bound): void {
    const byHost = this.bySocket.get(bound.socket) ?? new Map<string, Bound>();
    if (!byHost.has(bound.host)) byHost.set(bound.host, bound);
    this.bySocket.set(bound.socket, byHost);
  }

  /** Who has this very address. */
  same({ socket, host }: Bound): Bound | undefined {
    return this.bySocket.get(socket)?.get(host);
  }

  /** Who has an address on the same port that takes in this one, or the other way round. */
  overlapping(bound: Bound): Bound | undefined {
    const byHost = this.bySocket.get(bound.socket);
    if (!byHost) return undefined;
    const isWildcard = WILDCARDS.includes(bound.host);
    const candidates = isWildcard ? byHost.values() : WILDCARDS.flatMap((host) => byHost.get(host) ?? []);
    for (const other of candidates) {
      if (other.host !== bound.host && other.families.some((family) => bound.families.includes(family))) return other;
    }
    return undefined;
  }
}
