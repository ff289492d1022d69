import { reflect } from '@bufbuild/protobuf/reflect';
import type { Finding } from '../../common/errors/finding.js';
import { childOf, childrenOf, fieldOf, isSet, numberOf, textOf } from './message-fields.js';
import { stepTo } from './message-path.js';
import { type ResourceMessage, findingAt } from './resource-message.js';

/** What Envoy refuses of a listener beyond its schema (envoy-refusals.md): no address, nothing that takes connections. */
export function listenerFindings(resource: ResourceMessage): readonly Finding[] {
  const listener = reflect(resource.desc, resource.message);
  const findings: Finding[] = [];
  if (isSet(listener, 'api_listener')) return findings;
  if (!isSet(listener, 'address') && !isSet(listener, 'internal_listener')) {
    findings.push(findingAt(resource, null, 'listener.address', 'give the listener an address to listen on'));
  }
  const takesConnections =
    childrenOf(listener, 'filter_chains').length > 0 ||
    isSet(listener, 'default_filter_chain') ||
    isSet(listener, 'udp_listener_config');
  if (!takesConnections) {
    findings.push(findingAt(resource, null, 'listener.filter-chains', 'give the listener at least one filter chain'));
  }
  return findings;
}

interface Binding {
  readonly resource: ResourceMessage;
  readonly host: string;
  readonly port: number;
  readonly protocol: number;
}

const WILDCARDS = new Set(['0.0.0.0', '::']);

/** Two listeners of one snapshot on one address; Envoy refuses the second. A wildcard beside a specific address is a warning. */
export function addressClashes(listeners: readonly ResourceMessage[]): readonly Finding[] {
  const findings: Finding[] = [];
  const bindings: Binding[] = [];
  for (const resource of listeners) {
    const binding = bindingOf(resource);
    if (!binding) continue;
    const same = bindings.filter((other) => other.port === binding.port && other.protocol === binding.protocol);
    const twin = same.find((other) => other.host === binding.host);
    const overlap = same.find((other) => WILDCARDS.has(other.host) !== WILDCARDS.has(binding.host));
    if (twin)
      findings.push(
        clash(binding, `"${twin.resource.name}" already listens on ${show(binding)}; choose another`, 'error'),
      );
    else if (overlap) {
      findings.push(
        clash(binding, `${show(binding)} overlaps ${show(overlap)} of "${overlap.resource.name}"`, 'warning'),
      );
    }
    bindings.push(binding);
  }
  return findings;
}

function bindingOf(resource: ResourceMessage): Binding | undefined {
  const address = childOf(reflect(resource.desc, resource.message), 'address');
  const socket = address && childOf(address, 'socket_address');
  const port = socket && numberOf(socket, 'port_value');
  // Port 0 means any free port, so two of them never meet.
  if (!socket || port === undefined || port === 0) return undefined;
  return { resource, host: textOf(socket, 'address'), port, protocol: numberOf(socket, 'protocol') ?? 0 };
}

function clash(binding: Binding, detail: string, severity: Finding['severity']): Finding {
  const listener = reflect(binding.resource.desc, binding.resource.message);
  return findingAt(
    binding.resource,
    stepTo(null, fieldOf(listener, 'address')),
    'listener.address-clash',
    detail,
    severity,
  );
}

const show = ({ host, port }: Binding): string => `${host}:${port}`;
