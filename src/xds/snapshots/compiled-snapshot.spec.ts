import { describe, expect, it } from '@jest/globals';
import { resource, snapshot } from '../../../test/kit/xds-stream.js';
import { resourceVersion, snapshotHash } from './compiled-snapshot.js';

const [a, b] = [resource('cluster', 'a', 'v1', ['endpoint/e']), resource('cluster', 'b', 'v1', ['endpoint/e'])];
const e = resource('endpoint', 'e');

describe('a compiled snapshot', () => {
  it('holds its resources by kind, in the order of their names', () => {
    const compiled = snapshot(b, e, a);
    expect([...compiled.resources('cluster').keys()]).toEqual(['a', 'b']);
    expect(compiled.resources('endpoint').get('e')).toBe(e);
    expect(compiled.resources('route').size).toBe(0);
    expect(compiled.byteLength).toBe([a, b, e].reduce((sum, { value }) => sum + value.length, 0));
  });

  it('knows who waits for a resource', () => {
    expect(snapshot(b, e, a).parents(e)).toEqual([a, b]);
    expect(snapshot(e).parents(e)).toEqual([]);
  });

  it('has one hash for one content, in whatever order it was given', () => {
    expect(snapshotHash([a, b, e])).toBe(snapshotHash([e, b, a]));
    expect(snapshotHash([a, b, e])).not.toBe(snapshotHash([a, b, resource('endpoint', 'e', 'v2')]));
    expect(snapshotHash([a])).not.toBe(snapshotHash([{ ...a, name: 'c' }]));
  });

  it('tells equal bytes of different kinds apart', () => {
    expect(resourceVersion('cluster', Buffer.from('x'))).not.toBe(resourceVersion('listener', Buffer.from('x')));
  });
});
