import { expect } from '@jest/globals';
import { resource } from '../kit/xds-stream.js';
import { c1, c2, e1, l1, r1, started, suite } from './suite.js';

const { both, sotw, delta, another } = suite();
const c1v2 = resource('cluster', 'c1', 'v2', ['endpoint/e1']);
const e1v2 = resource('endpoint', 'e1', 'v2');
const l1v2 = resource('listener', 'l1', 'v2', ['route/r1']);
const r1v2 = resource('route', 'r1', 'v2');

sotw('E-10 R6 a whole set without a cluster removes it', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, c2, e1, l1, r1).takes('cluster c1=v1 c2=v1');
  await proxy.isAssigned(c1, e1, l1, r1).takes('cluster c1=v1');
});

both('R6 an empty set is sent only where it is assigned', async (proxy, variant) => {
  await started(proxy);
  await proxy.hasNoAssignment().gets();
  if (variant === 'sotw') await proxy.isAssigned().takes('listener', 'cluster');
  else await proxy.isAssigned().takes('listener -l1', 'cluster -c1', 'endpoint -e1', 'route -r1');
});

sotw('R6 the absence of endpoints or routes is not said, for it says nothing', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, l1).gets();
});

both(
  'E-33 R12 a publication comes in order: clusters, endpoints and secrets, then listeners and routes',
  async (proxy) => {
    await started(proxy);
    const s1 = resource('secret', 's1');
    await proxy.isAssigned(c1, e1, l1, r1, s1).asks('secret', ['s1']).takes('secret s1=v1');
    await proxy
      .isAssigned(c1v2, e1v2, l1v2, r1v2, resource('secret', 's1', 'v2'))
      .takes('cluster c1=v2', 'endpoint e1=v2', 'secret s1=v2', 'listener l1=v2', 'route r1=v2');
  },
);

both(
  'E-34 R12 routes to a new cluster wait for the ACKs of the cluster and of its endpoints',
  async (proxy, variant) => {
    await started(proxy);
    const c3 = resource('cluster', 'c3', 'v1', ['endpoint/e3']);
    proxy.isAssigned(c1, c3, e1, resource('endpoint', 'e3'), l1, resource('route', 'r1', 'to c3'));
    await proxy.gets(variant === 'sotw' ? 'cluster c1=v1 c3=v1' : 'cluster c3=v1');
    await proxy.wants('endpoint', ['e1', 'e3']).gets(variant === 'sotw' ? 'endpoint e1=v1 e3=v1' : 'endpoint e3=v1');
    await proxy.acks('endpoint').gets();
    await proxy.acks('cluster').takes('route r1=to c3');
  },
);

both('E-35 R12 a cluster goes after the routes that used it', async (proxy, variant) => {
  await started(proxy);
  await proxy.isAssigned(c2, l1, r1v2).gets(variant === 'sotw' ? 'cluster c1=v1 c2=v1' : 'cluster c2=v1');
  await proxy.acks('cluster').gets('route r1=v2');
  await proxy.acks('route').gets(variant === 'sotw' ? 'cluster c2=v1' : 'cluster -c1');
  await proxy.takesAll();
  expect(proxy.isConverged).toBe(true);
});

both('E-36 R11 a changed cluster takes its endpoints with it, unchanged as they are', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1v2, e1, l1, r1).takes('cluster c1=v2', 'endpoint e1=v1');
});

sotw('E-36 R11 endpoints that are asked for again, with the nonce and version of before, come again', async (proxy) => {
  await started(proxy);
  await proxy.wants('endpoint', ['e1']).takes('endpoint e1=v1');
  await proxy.gets();
});

both('E-37 R11 a changed listener takes its routes with it, unchanged as they are', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, e1, l1v2, r1).takes('listener l1=v2', 'route r1=v1');
});

sotw('E-37 R11 routes that are asked for again, with the nonce and version of before, come again', async (proxy) => {
  await started(proxy);
  await proxy.wants('route', ['r1']).takes('route r1=v1');
});

both('R11 children come again for changed parents only', async (proxy, variant) => {
  const [c3, e3] = [resource('cluster', 'c3', 'v1', ['endpoint/e3']), resource('endpoint', 'e3')];
  proxy.isAssigned(c1, c3, e1, e3).asks('cluster').asks('endpoint', ['e1', 'e3']);
  await proxy.takes('cluster c1=v1 c3=v1', 'endpoint e1=v1 e3=v1');
  proxy.isAssigned(c1v2, c3, e1, e3);
  if (variant === 'sotw') await proxy.takes('cluster c1=v2 c3=v1', 'endpoint e1=v1 e3=v1');
  else await proxy.takes('cluster c1=v2', 'endpoint e1=v1');
});

both('E-38 a change of endpoints comes alone', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, e1v2, l1, r1).takes('endpoint e1=v2');
});

both('E-39 a change of a secret comes alone', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, e1, l1, r1, resource('secret', 's1')).asks('secret', ['s1']).takes('secret s1=v1');
  await proxy.isAssigned(c1, e1, l1, r1, resource('secret', 's1', 'v2')).takes('secret s1=v2');
});

both('E-39 a secret is there for the proxy that it is assigned to, and for no other', async (proxy, variant) => {
  const stranger = another(variant).isAssigned(e1).asks('secret', ['s1']);
  await proxy.isAssigned(resource('secret', 's1')).asks('secret', ['s1']).takes('secret s1=v1');
  await stranger.gets(...(variant === 'sotw' ? [] : ['secret -s1']));
});

delta('E-43 of a hundred the one that changed is sent, with a version of its own', async (proxy) => {
  const many = Array.from({ length: 100 }, (_, i) => resource('cluster', `c${i}`));
  await proxy
    .isAssigned(...many)
    .asks('cluster')
    .takesAll();
  const changed = resource('cluster', 'c7', 'v2');
  await proxy.isAssigned(...many.filter(({ name }) => name !== 'c7'), changed).takesAll();
  expect(proxy.responses).toHaveLength(2);
  expect(proxy.last('cluster').versions).toEqual(new Map([['c7', changed.version]]));
});

delta('E-44 a resource that is gone is removed, once', async (proxy) => {
  await started(proxy);
  await proxy.isAssigned(c1, c2, e1, l1, r1).takes('cluster c2=v1');
  await proxy.isAssigned(c1, e1, l1, r1).takes('cluster -c2');
  await proxy.gets();
});

delta('R13 an extension configuration is never removed', async (proxy) => {
  const x1 = resource('extensionConfig', 'x1');
  await proxy.isAssigned(x1).asks('extensionConfig', ['x1']).takes('extensionConfig x1=v1');
  await proxy.isAssigned().gets();
});

both('R12 a refused cluster holds listeners and routes back, but not endpoints', async (proxy) => {
  await started(proxy);
  const bad = resource('cluster', 'c1', 'bad', ['endpoint/e1']);
  await proxy.isAssigned(bad, e1, l1v2, r1v2).gets('cluster c1=bad', 'endpoint e1=v1');
  await proxy.acks('endpoint').nacks('cluster').gets();
  await proxy.isAssigned(bad, e1v2, l1v2, r1v2).takes('endpoint e1=v2');
});

both('R12 an address goes from one listener to another in one response', async (proxy, variant) => {
  await started(proxy);
  const l2 = resource('listener', 'l2', 'v1', ['route/r1']);
  await proxy
    .isAssigned(c1, e1, l2, r1)
    .takes(variant === 'sotw' ? 'listener l2=v1' : 'listener l2=v1 -l1', 'route r1=v1');
});
