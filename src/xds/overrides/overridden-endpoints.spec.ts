import { describe, expect, it } from '@jest/globals';
import { EnvoyApi } from '../envoy-api/index.js';
import type { JsonObject } from '../envoy-api/index.js';
import { type EndpointChange, MAX_WEIGHT, overrideEndpoints } from './overridden-endpoints.js';

const change = (port: number, more: Partial<EndpointChange> = {}): EndpointChange => ({
  address: '10.0.0.1',
  port,
  healthStatus: null,
  weight: null,
  ...more,
});
const endpoint = (port: number, more: JsonObject = {}, address = '10.0.0.1'): JsonObject => ({
  endpoint: { address: { socket_address: { address, port_value: port } } },
  ...more,
});
const set = (...endpoints: JsonObject[]): JsonObject => ({
  cluster_name: 'blue',
  endpoints: [{ locality: { zone: 'a' }, lb_endpoints: endpoints }],
});

describe('an endpoint set with overrides', () => {
  const api = EnvoyApi.load();

  it('has the health and weight of the override, and everything else as it was', () => {
    const before = set(endpoint(1, { health_status: 'HEALTHY', load_balancing_weight: 3 }), endpoint(2));
    const changed = overrideEndpoints(before, [change(1, { healthStatus: 'DRAINING' }), change(2, { weight: 7 })]);
    expect(changed).toEqual(
      set(
        endpoint(1, { health_status: 'DRAINING', load_balancing_weight: 3 }),
        endpoint(2, { load_balancing_weight: 7 }),
      ),
    );
  });

  it('survives its encoding', () => {
    const value = api.encode('endpoint', set(endpoint(1), endpoint(2)));
    const changed = overrideEndpoints(api.toJson('endpoint', value), [
      change(2, { healthStatus: 'DEGRADED', weight: 7 }),
    ]);
    const encoded = api.encode('endpoint', changed ?? {});
    expect(api.toJson('endpoint', encoded)).toEqual(
      set(endpoint(1), endpoint(2, { health_status: 'DEGRADED', load_balancing_weight: 7 })),
    );
    const back = overrideEndpoints(api.toJson('endpoint', encoded), [change(2, { healthStatus: 'UNKNOWN' })]);
    expect(api.toJson('endpoint', api.encode('endpoint', back ?? {}))).toEqual(
      set(endpoint(1), endpoint(2, { load_balancing_weight: 7 })),
    );
  });

  it.each([
    ['another port', change(2, { healthStatus: 'DRAINING' })],
    ['another address', change(1, { address: '10.0.0.2', healthStatus: 'DRAINING' })],
    ['what is so already', change(1, { healthStatus: 'HEALTHY', weight: 3 })],
    ['an unknown health where none is said', change(4, { healthStatus: 'UNKNOWN' })],
  ])('is left alone for %s', (_, one) => {
    const before = set(
      endpoint(1, { health_status: 'HEALTHY', load_balancing_weight: 3 }),
      endpoint(4),
      { endpoint: { address: { pipe: { path: '/run/x' } } } },
      { endpoint_name: 'named' },
    );
    expect(overrideEndpoints(before, [one])).toBeUndefined();
  });

  it('is left alone where it is empty', () => {
    expect(overrideEndpoints({ cluster_name: 'blue' }, [change(1, { weight: 1 })])).toBeUndefined();
  });

  it('finds an IPv6 address however the snapshot writes it', () => {
    const one = change(1, { address: '2001:db8::1', weight: 2 });
    const changed = overrideEndpoints(set(endpoint(1, {}, '2001:DB8:0::1')), [one]);
    expect(changed).toEqual(set(endpoint(1, { load_balancing_weight: 2 }, '2001:DB8:0::1')));
  });

  it('keeps the weights of a locality that Envoy would refuse for their sum, and takes the health', () => {
    const before = set(endpoint(1), endpoint(2, { load_balancing_weight: 5 }));
    const heavy = change(1, { healthStatus: 'DRAINING', weight: MAX_WEIGHT });
    expect(overrideEndpoints(before, [heavy])).toEqual(
      set(endpoint(1, { health_status: 'DRAINING' }), endpoint(2, { load_balancing_weight: 5 })),
    );
    expect(overrideEndpoints(before, [change(1, { weight: MAX_WEIGHT })])).toBeUndefined();
  });
});
