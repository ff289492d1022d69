import { describe, expect, it } from '@jest/globals';
import { EnvoyApi } from './envoy-api.js';
import { validSnapshot } from '../../../test/kit/valid-snapshot.js';

const api = EnvoyApi.load();

describe('try', () => {
  it('reads', () => {
    const reading = api.readSnapshot(validSnapshot());
    expect(reading.findings).toEqual([]);
    expect(reading.resources.map((r) => [r.kind, r.name, r.children, r.references])).toMatchInlineSnapshot(`
     [
       [
         "listener",
         "edge",
         [
           {
             "kind": "route",
             "name": "edge",
           },
         ],
         [
           {
             "kind": "cluster",
             "name": "authz",
           },
           {
             "kind": "cluster",
             "name": "web",
           },
           {
             "kind": "route",
             "name": "edge",
           },
         ],
       ],
       [
         "route",
         "edge",
         [],
         [
           {
             "kind": "cluster",
             "name": "authz",
           },
           {
             "kind": "cluster",
             "name": "web",
           },
         ],
       ],
       [
         "cluster",
         "web",
         [
           {
             "kind": "endpoint",
             "name": "web",
           },
         ],
         [
           {
             "kind": "endpoint",
             "name": "web",
           },
         ],
       ],
       [
         "cluster",
         "authz",
         [],
         [],
       ],
       [
         "endpoint",
         "web",
         [],
         [],
       ],
     ]
    `);
  });
});
