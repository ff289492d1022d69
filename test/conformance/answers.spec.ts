import { expect } from '@jest/globals';
import { resource } from '../kit/xds-stream.js';
import { c1, e1, e2, l1, r1, started, suite } from './suite.js';

const { both, sotw, delta } = suite();
const bad = resource('cluster', 'c1', 'bad', ['endpoint/e1']);
const e1v2 = resource('endpoint', 'e1', 'v2');

both('E-12 R1 the nonce without an error is an ACK, and nothing follows until something changes', async (proxy) => {
  await started(proxy);
  await proxy.gets();
  expect(proxy.log.of('acked')).toEqual(['acked cluster', 'acked endpoint', 'acked listener', 'acked route']);
  expect(proxy.log.of('converged')).toHaveLength(1);
});

both(
  'E-13 R1 R17 error_detail is a NACK, kept with its words, and what it refuses is not sent again',
  async (proxy) => {
    await started(proxy);
    await proxy.isAssigned(bad, e1, l1, r1).gets('cluster c1=bad', 'endpoint e1=v1');
    await proxy.acks('endpoint').nacks('cluster', 'no such filter').gets();
    expect(proxy.log.errors).toEqual([{ code: 13, message: 'no such filter' }]);
    expect(proxy.log.of('nacked')).toEqual(['nacked cluster']);
    await proxy.isAssigned(bad, e1, l1, r1).gets();
  },
);

both('E-14 what is published after a NACK is sent, and its ACK ends the error', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(bad, e1, l1, r1).gets('cluster c1=bad', 'endpoint e1=v1');
  await proxy.acks('endpoint').nacks('cluster').gets();
  await proxy.isAssigned(resource('cluster', 'c1', 'good'), e1, l1, r1).takes('cluster c1=good');
  expect(proxy.isConverged).toBe(true);
});

both('E-15 names that come with a NACK count', async (proxy) => {
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  const { nonce } = proxy.last('endpoint');
  const error = { code: 13, message: 'no' };
  await proxy.says('endpoint', { names: ['e1', 'e2'], subscribe: ['e2'], nonce, error }).gets('endpoint e2=v1');
  expect(proxy.log.of('nacked')).toHaveLength(1);
});

sotw('E-16 R2 an ACK with the nonce of an older response is none', async (proxy) => {
  await started(proxy);
  const { nonce: older } = proxy.last('cluster');
  const c1v2 = resource('cluster', 'c1', 'v2');
  await proxy.isAssigned(c1v2, e1, l1, r1).gets('cluster c1=v2');
  await proxy.says('cluster', { nonce: older }).says('cluster', { nonce: 'never sent' }).gets();
  expect(proxy.log.of('acked cluster')).toHaveLength(1);
  await proxy.acks('cluster').gets();
  expect(proxy.log.of('acked cluster')).toHaveLength(2);
});

sotw('E-17 R2 names with a stale nonce are ignored, and those of the next request taken', async (proxy) => {
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1']).takes('endpoint e1=v1');
  const { nonce: older } = proxy.last('endpoint');
  await proxy.isAssigned(e1v2, e2).gets('endpoint e1=v2');
  await proxy.says('endpoint', { names: ['e1', 'e2'], nonce: older }).gets();
  await proxy.acks('endpoint').gets();
  await proxy.says('endpoint', { names: ['e1', 'e2'], nonce: older }).gets();
  expect(proxy.log.of('subscribed endpoint')).toEqual(['subscribed endpoint 1']);
  await proxy.wants('endpoint', ['e1', 'e2']).gets('endpoint e1=v2 e2=v1');
});

both('E-21 every response of a stream has a nonce of its own', async (proxy) => {
  await started(proxy);
  for (const version of ['v2', 'v1', 'v2', 'v1']) {
    await proxy
      .isAssigned(resource('cluster', 'c1', version, ['endpoint/e1']), e1, l1, r1)
      .takes(`cluster c1=${version}`, 'endpoint e1=v1');
  }
  expect(new Set(proxy.responses.map(({ nonce }) => nonce)).size).toBe(proxy.responses.length);
});

both('E-21 a nonce counts for its type only', async (proxy) => {
  await proxy.isAssigned(c1, e1).asks('cluster').asks('endpoint', ['e1']).gets('cluster c1=v1', 'endpoint e1=v1');
  await proxy.says('cluster', { nonce: proxy.last('endpoint').nonce }).gets();
  expect(proxy.log.of('acked')).toEqual([]);
});

both('E-22 the NACK of one type leaves the others as they are', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(bad, e1v2, l1, r1).gets('cluster c1=bad', 'endpoint e1=v2');
  await proxy.nacks('cluster').acks('endpoint').gets();
  expect(proxy.log.of('acked endpoint')).toHaveLength(2);
  await proxy.isAssigned(bad, resource('endpoint', 'e1', 'v3'), l1, r1).takes('endpoint e1=v3');
});

both('E-26 equal content published again is not sent', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, e1, l1, r1).gets();
});

both('E-27 R2 a slow client gets the newest of many, and one response at a time', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  for (let i = 2; i <= 11; i++) proxy.isAssigned(resource('endpoint', 'e1', `v${i}`));
  await proxy.gets();
  await proxy.acks('endpoint').takes('endpoint e1=v11');
});

both('R2 an ACK after two publications is one, and does not go round in circles', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  proxy.isAssigned(e1v2).isAssigned(resource('endpoint', 'e1', 'v3'));
  await proxy.acks('endpoint').takes('endpoint e1=v3');
  await proxy.gets();
});

delta('E-50 R16 a refused resource is not sent until it changes, and the others go on', async (proxy) => {
  await started(proxy);
  const c3 = resource('cluster', 'c3');
  await proxy.isAssigned(bad, e1, l1, r1).gets('cluster c1=bad', 'endpoint e1=v1');
  await proxy.acks('endpoint').nacks('cluster').gets();
  await proxy.isAssigned(bad, e1v2, l1, r1).takes('endpoint e1=v2');
  const c1v3 = resource('cluster', 'c1', 'v3', ['endpoint/e1']);
  await proxy.isAssigned(c1v3, c3, e1v2, l1, r1).takes('cluster c1=v3 c3=v1', 'endpoint e1=v2');
});

delta('E-50 a subscription without a nonce between a response and its ACK is taken', async (proxy) => {
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  await proxy.says('endpoint', { subscribe: ['e2'] }).gets();
  await proxy.acks('endpoint').takes('endpoint e2=v1');
});

delta('E-51 R3 names with a stale nonce count, the ACK does not', async (proxy) => {
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1']).takes('endpoint e1=v1');
  const { nonce: older } = proxy.last('endpoint');
  await proxy.isAssigned(e1v2, e2).gets('endpoint e1=v2');
  await proxy.says('endpoint', { subscribe: ['e2'], nonce: older }).gets();
  expect(proxy.log.of('acked')).toHaveLength(1);
  await proxy.acks('endpoint').takes('endpoint e2=v1');
});

delta('R3 an ACK may change the subscription in the same request', async (proxy) => {
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  const { nonce } = proxy.last('endpoint');
  await proxy.says('endpoint', { nonce, subscribe: ['e2'], unsubscribe: ['e1'] }).gets('endpoint e2=v1');
  await proxy.acks('endpoint').isAssigned(e1v2, e2).gets();
});

both(
  'R16 after a NACK no name of the response is believed: going back sends and removes all of them',
  async (proxy, variant) => {
    await started(proxy);
    const c3 = resource('cluster', 'c3');
    await proxy.isAssigned(c1, c3, e1, l1, r1).takes(variant === 'sotw' ? 'cluster c1=v1 c3=v1' : 'cluster c3=v1');
    // c1 changes, c4 is new, c3 goes: an Envoy that refuses c1 has applied the rest (envoy-behaviour.md, "NACK").
    await proxy
      .isAssigned(bad, resource('cluster', 'c4'), e1, l1, r1)
      .gets(variant === 'sotw' ? 'cluster c1=bad c3=v1 c4=v1' : 'cluster c1=bad c4=v1', 'endpoint e1=v1');
    await proxy.acks('endpoint').nacks('cluster').gets();
    proxy.isAssigned(c1, c3, e1, l1, r1);
    // In state of the world the whole set takes c4 away; c3 was never removed incrementally, because removals come last.
    if (variant === 'sotw') await proxy.takes('cluster c1=v1 c3=v1', 'endpoint e1=v1');
    else await proxy.takes('cluster c1=v1', 'endpoint e1=v1', 'cluster -c4');
  },
);

both(
  'R19 an ACK is not readiness: only a cluster with its endpoints and a listener with its routes are converged',
  async (proxy) => {
    await proxy.isAssigned(c1, e1, l1, r1).asks('cluster').takes('cluster c1=v1');
    await proxy.asks('listener').takes('listener l1=v1');
    expect(proxy.isConverged).toBe(false);
    await proxy.asks('endpoint', ['e1']).takes('endpoint e1=v1');
    expect(proxy.isConverged).toBe(false);
    await proxy.asks('route', ['r1']).takes('route r1=v1');
    expect(proxy.isConverged).toBe(true);
  },
);
