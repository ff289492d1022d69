import { describe, expect, it } from '@jest/globals';
import { EnvoyApi } from '../envoy-api.js';

const api = EnvoyApi.load();

const listener = (name: string, socket: object) => ({
  name,
  address: { socket_address: { port_value: 80, ...socket } },
  filter_chains: [{}],
});

/** Rule of what two listeners of one snapshot make of each other. */
const ruleFor = (one: object, other: object): string =>
  api.readSnapshot({ listeners: [listener('one', one), listener('other', other)] }).findings[0]?.rule ?? 'fine';

describe('addresses of listeners', () => {
  it.each([
    [{ address: '0.0.0.0' }, { address: '0.0.0.0' }, 'duplicate.address'],
    [{ address: '::1' }, { address: '0:0::1' }, 'duplicate.address'],
    [{ address: '::' }, { address: '::', ipv4_compat: true }, 'duplicate.address'],
    [{ address: '0.0.0.0' }, { address: '10.0.0.1' }, 'overlapping.address'],
    [{ address: '10.0.0.1' }, { address: '0.0.0.0' }, 'overlapping.address'],
    [{ address: '::', ipv4_compat: true }, { address: '0.0.0.0' }, 'overlapping.address'],
    [{ address: '10.0.0.1' }, { address: '::', ipv4_compat: true }, 'overlapping.address'],
    [{ address: '::', ipv4_compat: true }, { address: '::1' }, 'overlapping.address'],
    [{ address: '::' }, { address: '0.0.0.0' }, 'fine'],
    [{ address: '10.0.0.1' }, { address: '10.0.0.2' }, 'fine'],
    [{ address: '0.0.0.0' }, { address: '0.0.0.0', port_value: 81 }, 'fine'],
    [{ address: '0.0.0.0', port_value: 0 }, { address: '0.0.0.0', port_value: 0 }, 'fine'],
  ])('%j beside %j: %s', (one, other, rule) => {
    expect(ruleFor(one, other)).toBe(rule);
  });
});
