import { expect } from '@jest/globals';
import { resource } from '../kit/xds-stream.js';
import { c1, c2, e1, e2, suite, whole } from './suite.js';

const { both, sotw, delta } = suite();
const [c1v2, c2v2] = [resource('cluster', 'c1', 'v2'), resource('cluster', 'c2', 'v2')];

both('E-03 R4 a first request for clusters without names gets all of them', async (proxy) => {
  proxy.isAssigned(c1, c2).asks('cluster');
  await proxy.gets('cluster c1=v1 c2=v1');
});

both('E-04 "*" gets everything, of any type', async (proxy) => {
  proxy
    .isAssigned(...whole)
    .asks('cluster', ['*'])
    .asks('endpoint', ['*']);
  await proxy.gets('cluster c1=v1', 'endpoint e1=v1');
});

sotw('E-05 names that stay when "*" goes are all that is subscribed', async (proxy) => {
  proxy.isAssigned(c1, c2).asks('cluster', ['*', 'c1']);
  await proxy.takes('cluster c1=v1 c2=v1');
  proxy.wants('cluster', ['c1']);
  await proxy.takes('cluster c1=v1');
  await proxy.isAssigned(c1, c2v2).gets();
  await proxy.isAssigned(c1v2, c2v2).gets('cluster c1=v2');
});

both('E-06 R4 the first name ends a legacy wildcard for good', async (proxy) => {
  proxy.isAssigned(c1, c2).asks('cluster');
  await proxy.takes('cluster c1=v1 c2=v1');
  await proxy.wants('cluster', ['c1']).takesAll();
  await proxy.wants('cluster', []).takesAll();
  const before = proxy.responses.length;
  await proxy.isAssigned(c1v2, c2v2).takesAll();
  expect(proxy.responses).toHaveLength(before);
});

both('E-07 R4 a first request without names for endpoints, routes or secrets gets nothing', async (proxy) => {
  proxy.isAssigned(...whole, resource('secret', 's1'));
  await proxy.asks('endpoint').asks('route').asks('secret').gets();
});

both('E-08 names get what they name, and nothing else', async (proxy) => {
  proxy.isAssigned(e1, e2, resource('endpoint', 'e3')).asks('endpoint', ['e1', 'e2']);
  await proxy.gets('endpoint e1=v1 e2=v1');
});

sotw('E-09 a name that is missing gets no response, and the resource when there is one', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e2']).gets();
  await proxy.isAssigned(e1, e2).takes('endpoint e2=v1');
});

sotw('E-11 a response names all that was asked for, of which one changed', async (proxy) => {
  proxy.isAssigned(e1, e2).asks('endpoint', ['e1', 'e2']);
  await proxy.takes('endpoint e1=v1 e2=v1');
  await proxy.isAssigned(e1, resource('endpoint', 'e2', 'v2')).gets('endpoint e1=v1 e2=v2');
});

sotw('E-18 a name that is added gets its resource although the version is the same', async (proxy) => {
  proxy.isAssigned(e1, e2).asks('endpoint', ['e1']);
  await proxy.takes('endpoint e1=v1');
  await proxy.wants('endpoint', ['e1', 'e2']).gets('endpoint e1=v1 e2=v1');
});

sotw('E-19 a name that is given up gets no more changes', async (proxy) => {
  proxy.isAssigned(e1, e2).asks('endpoint', ['e1', 'e2']);
  await proxy.takes('endpoint e1=v1 e2=v1');
  await proxy.wants('endpoint', ['e1']).takes('endpoint e1=v1');
  await proxy.isAssigned(e1, resource('endpoint', 'e2', 'v2')).gets();
});

both('E-20 R9 a name that was given up and is asked for again gets its resource again', async (proxy) => {
  proxy.isAssigned(e1).asks('endpoint', ['e1']);
  await proxy.takes('endpoint e1=v1');
  await proxy.wants('endpoint', []).gets();
  await proxy.wants('endpoint', ['e1']).gets('endpoint e1=v1');
});

both('E-23 a name that is repeated gets its resource once', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e1', 'e1', 'e1']).gets('endpoint e1=v1');
  expect(proxy.last('endpoint').resources.size).toBe(1);
});

delta('E-40 R4 no names and "*" are the same to begin with, and a name ends the first of them', async (proxy) => {
  proxy.isAssigned(c1, c2).asks('cluster').asks('listener', ['*']);
  await proxy.takes('cluster c1=v1 c2=v1', 'listener');
  expect(proxy.responses[0]!.versions).toEqual(
    new Map([
      ['c1', c1.version],
      ['c2', c2.version],
    ]),
  );
  await proxy.wants('cluster', ['c1']).takesAll();
  await proxy.isAssigned(c1, c2v2).gets('cluster c1=v1');
});

delta('E-41 a name stays when "*" goes, and nothing is removed', async (proxy) => {
  proxy.isAssigned(c1, c2).asks('cluster', ['*', 'c1']);
  await proxy.takes('cluster c1=v1 c2=v1');
  await proxy.wants('cluster', ['c1']).gets();
  await proxy.isAssigned(c1, c2v2).gets();
  await proxy.isAssigned(c1v2).gets('cluster c1=v2');
});

delta('E-42 R5 a name that falls back to "*" gets its resource again, or its removal', async (proxy) => {
  proxy.isAssigned(c1).asks('cluster', ['*', 'c1', 'gone']);
  await proxy.takes('cluster c1=v1 -gone');
  await proxy.wants('cluster', ['*', 'gone']).takes('cluster c1=v1');
  await proxy.wants('cluster', ['*']).gets();
});

delta('E-45 R8 a name that is missing gets a removal at once, and the resource when there is one', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e2']).takes('endpoint -e2');
  await proxy.isAssigned(e1, e2).takes('endpoint e2=v1');
});

delta('E-48 R9 a name that is asked for again gets its resource again, held and unchanged as it is', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e1']).takes('endpoint e1=v1');
  await proxy.says('endpoint', { subscribe: ['e1'] }).gets('endpoint e1=v1');
  await proxy.says('endpoint', { subscribe: ['e1'] }).gets();
  await proxy.acks('endpoint').takes('endpoint e1=v1');
});

delta('E-49 giving up a name that was never asked for changes nothing', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e1']).takes('endpoint e1=v1');
  await proxy.says('endpoint', { unsubscribe: ['e2', 'e3'] }).gets();
  await proxy.says('endpoint', { unsubscribe: ['e1'] }).gets();
});

both('R7 a first wildcard is answered where there is nothing', async (proxy) => {
  await proxy.isAssigned(e1).asks('cluster').takes('cluster');
  await proxy.asks('listener').takes('listener');
});

both('R9 a name that is missing and asked for again does not go round in circles', async (proxy) => {
  await proxy.isAssigned(e1).asks('endpoint', ['e2']).takesAll();
  const before = proxy.responses.length;
  await proxy.says('endpoint', { names: ['e2'], subscribe: ['e2'], nonce: '' }).takesAll();
  expect(proxy.responses.length - before).toBeLessThanOrEqual(1);
});

both('R14 what is composed for a client that waits has only what it still wants', async (proxy) => {
  await proxy.isAssigned(e1, e2).asks('endpoint', ['e1']).gets('endpoint e1=v1');
  proxy.isAssigned(resource('endpoint', 'e1', 'v2'), resource('endpoint', 'e2', 'v2'));
  proxy.wants('endpoint', ['e2']);
  await proxy.takesAll();
  expect(proxy.responses.slice(1).flatMap(({ resources }) => [...resources.keys()])).toEqual(['e2']);
});
