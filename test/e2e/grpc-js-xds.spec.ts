import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startEfms } from '../kit/efms.js';
import { FleetOfOne } from '../kit/fleet-of-one.js';
import { startGreeter } from '../kit/greeter.js';
import { edsCluster, endpointSet, routeConfiguration, type Resource } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startTokenRelay } from '../kit/token-relay.js';

/**
 * An xDS client that shares no code with Envoy or EFMS: @grpc/grpc-js-xds, state of the world only, which names every resource it
 * asks for and refuses what lacks a locality. It cannot send a credential, so a relay adds it.
 */
describe('@grpc/grpc-js-xds against EFMS', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it('resolves xds:///greeter, completes a call and acknowledges all it was sent', async () => {
    const efms = teardown.add(await startEfms());
    const greeter = teardown.add(await startGreeter('Ada'));
    const fleet = await FleetOfOne.register(efms, 'grpc-client');
    await fleet.commit({
      listeners: [apiListener('greeter', 'greeter-routes')],
      routes: [routeConfiguration('greeter-routes', { '': 'greeters' })],
      clusters: [edsCluster('greeters')],
      endpoints: [weighted(endpointSet('greeters', greeter.port))],
    });
    const deployment = await fleet.startDeployment();
    const relay = teardown.add(await startTokenRelay({ port: efms.xdsPort, token: fleet.token }));

    const client = teardown.add(startClient(relay.port, 'grpc-client', 'greeter', 'Grace'));

    expect(await client.answer()).toEqual({ reply: 'Ada greets Grace' });
    expect(greeter.calls).toBe(1);
    expect(await fleet.ended(deployment)).toMatchObject({ status: 'succeeded' });
  }, 90_000);
});

interface RunningClient {
  /** The JSON that the client prints, `{reply}` or `{code, details}`. */
  answer(): Promise<unknown>;
  stop(): Promise<void>;
}

function startClient(xdsPort: number, nodeId: string, service: string, name: string): RunningClient {
  const script = fileURLToPath(new URL('../kit/grpc-xds-client.mjs', import.meta.url));
  const args = [script, String(xdsPort), nodeId, service, name];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! });
  const first = once(lines, 'line') as Promise<[string]>;
  const exited = once(child, 'exit');
  return {
    async answer() {
      const [line] = await first;
      return JSON.parse(line);
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A listener for a gRPC client: no address, only how to call. */
function apiListener(name: string, routes: string): Resource {
  const type = 'type.googleapis.com/envoy.extensions.filters';
  const manager = {
    '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    rds: { route_config_name: routes, config_source: { ads: {}, resource_api_version: 'V3' } },
    http_filters: [{ name: 'router', typed_config: { '@type': `${type}.http.router.v3.Router` } }],
  };
  return { name, api_listener: { api_listener: manager } };
}

/** gRPC ignores localities that have no name or no weight; Envoy takes them. */
function weighted(endpoints: Resource): Resource {
  const localities = endpoints['endpoints'] as Resource[];
  const locality = { region: 'r', zone: 'z' };
  return { ...endpoints, endpoints: localities.map((one) => ({ ...one, locality, load_balancing_weight: 1 })) };
}
