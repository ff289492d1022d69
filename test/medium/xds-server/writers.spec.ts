import { afterEach, describe, expect, it } from '@jest/globals';
import type { XdsWriter } from '../../../src/common/config/config.js';
import { usePreframedWriter } from '../../../src/xds/server/preframed-writer.js';
import { XdsClient } from '../../kit/xds-client.js';
import { resource, snapshot, type Variant } from '../../kit/xds-stream.js';
import { XdsTestServer } from '../../kit/xds-test-server.js';

const MEGABYTE = 'x'.repeat(1024 * 1024);
const LARGE = snapshot(...['a', 'b', 'c'].map((name) => resource('cluster', name, `${MEGABYTE} of ${name}`)));
const CHANGED = snapshot(
  ...['a', 'b', 'c'].map((name) => resource('cluster', name, name === 'b' ? 'small' : `${MEGABYTE} of ${name}`)),
);

const CASES = (['sotw', 'delta'] as const).flatMap((variant) =>
  (['preframed', 'public'] as const).map((writer): [Variant, XdsWriter] => [variant, writer]),
);

describe('responses that streams share', () => {
  let xds: XdsTestServer;
  const clients: XdsClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await xds.stop();
    (await usePreframedWriter())?.();
  });

  it.each(CASES)('arrive whole on every stream (%s, %s writer)', async (variant, writer) => {
    xds = await XdsTestServer.start({ writer });
    xds.host.serving = LARGE;
    const streams = Array.from({ length: 12 }, () => {
      const client = new XdsClient(xds.port);
      clients.push(client);
      return client.open(variant).subscribe('cluster');
    });
    const first = await Promise.all(streams.map((stream) => stream.next()));
    for (const response of first) {
      expect(response.nonce).toBe(first[0]!.nonce);
      expect([...response.resources.keys()]).toEqual(['a', 'b', 'c']);
      expect(response.resources.get('c') === `${MEGABYTE} of c`).toBe(true);
    }
    for (const [i, stream] of streams.entries()) stream.ack(first[i]!);
    for (const { stream } of xds.host.hosted) stream.serve(CHANGED);
    for (const response of await Promise.all(streams.map((stream) => stream.next()))) {
      expect(response.resources.get('b')).toBe('small');
      expect(response.resources.size).toBe(variant === 'sotw' ? 3 : 1);
    }
  });
});
