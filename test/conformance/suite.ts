import { afterAll, afterEach, beforeAll, it } from '@jest/globals';
import { XdsClient } from '../kit/xds-client.js';
import { resource, type Variant } from '../kit/xds-stream.js';
import { XdsTestServer } from '../kit/xds-test-server.js';
import { type Place, Proxy } from './proxy.js';

type Body = (proxy: Proxy, variant: Variant) => Promise<unknown>;

/** Tests of one file: they share a server and a connection, and each has a proxy of its own. */
export interface Suite {
  /** One test over each variant. The title begins with the cases and rules that it shows (research/xds-probe.md §E, xds.md §3). */
  readonly both: (title: string, body: Body) => void;
  readonly sotw: (title: string, body: Body) => void;
  readonly delta: (title: string, body: Body) => void;
  /** Another proxy, whose streams end with the test. */
  readonly another: (variant: Variant) => Proxy;
  /** The server, once the tests run. */
  readonly place: () => Place;
}

let count = 0;

export function suite(): Suite {
  let place: Place;
  const open: Proxy[] = [];
  beforeAll(async () => {
    const server = await XdsTestServer.start();
    place = { server, client: new XdsClient(server.port) };
  });
  afterEach(() => {
    for (const proxy of open.splice(0)) proxy.stream.call.cancel();
  });
  afterAll(async () => {
    place.client.close();
    await place.server.stop();
  });
  const another = (variant: Variant): Proxy => {
    const proxy = new Proxy(place, variant, `edge-${++count}`);
    open.push(proxy);
    return proxy;
  };
  const test = (title: string, body: Body, variant: Variant) =>
    it(`${title} (${variant})`, async () => {
      await body(another(variant), variant);
    });
  return {
    both: (title, body) => {
      test(title, body, 'sotw');
      test(title, body, 'delta');
    },
    sotw: (title, body) => test(title, body, 'sotw'),
    delta: (title, body) => test(title, body, 'delta'),
    another,
    place: () => place,
  };
}

export const c1 = resource('cluster', 'c1', 'v1', ['endpoint/e1']);
export const c2 = resource('cluster', 'c2');
export const e1 = resource('endpoint', 'e1');
export const e2 = resource('endpoint', 'e2');
export const l1 = resource('listener', 'l1', 'v1', ['route/r1']);
export const r1 = resource('route', 'r1');
/** A cluster with its endpoints, and a listener with its routes. */
export const whole = [c1, e1, l1, r1] as const;

/** The order in which an Envoy that starts fresh asks and answers (research/envoy-behaviour.md, "Connecting"). */
export async function started(proxy: Proxy): Promise<Proxy> {
  proxy
    .isAssigned(...whole)
    .asks('cluster')
    .asks('endpoint', ['e1']);
  await proxy.takes('cluster c1=v1', 'endpoint e1=v1');
  proxy.asks('listener').asks('route', ['r1']);
  await proxy.takes('listener l1=v1', 'route r1=v1');
  return proxy;
}
