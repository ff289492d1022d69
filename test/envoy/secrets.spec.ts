import { X509Certificate } from 'node:crypto';
import { afterEach, expect, it } from '@jest/globals';
import { type KeyPairFiles, TestCa } from '../kit/certificates.js';
import { startEfms } from '../kit/efms.js';
import { describeWithEnvoy } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { expectStatus, FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, routeConfiguration, tlsListener } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { connectTls } from '../kit/tls-client.js';
import { startUpstream } from '../kit/upstream.js';

const tls = ({ certificate, key }: KeyPairFiles): object => ({
  tlsCertificate: { certificateChain: certificate, privateKey: key },
});
const fingerprint = ({ certificate }: KeyPairFiles): string => new X509Certificate(certificate).fingerprint256;

describeWithEnvoy('a certificate that EFMS keeps', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it.each(PROTOCOLS)(
    'is served by Envoy over %s, and its successor without a new version of the configuration',
    async (protocol) => {
      const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
      const ca = await TestCa.create();
      const [first, second] = [await ca.issue(['localhost']), await ca.issue(['localhost'])];
      await expectStatus(201, efms.api('PUT', '/secrets/name:edge-cert', tls(first)));
      const blue = teardown.add(await startUpstream('blue'));
      const fleet = await FleetOfOne.register(efms, `edge-${protocol}`);
      const port = await freePort();
      const envoy = teardown.add(await fleet.startEnvoy(protocol));

      const deployment = await fleet.deploy({
        listeners: [tlsListener('ingress', port, 'routes', 'edge-cert')],
        routes: [routeConfiguration('routes', { '/': 'blue' })],
        clusters: [edsCluster('blue')],
        endpoints: [endpointSet('blue', blue.port)],
        secrets: [{ name: 'edge-cert' }],
      });
      expect(deployment).toMatchObject({ status: 'succeeded' });
      const serves = (files: KeyPairFiles): Promise<true> =>
        eventually('the certificate on the port', async () => {
          const connection = await connectTls(port, ca.pem).catch(() => undefined);
          if (!connection) return undefined;
          await connection.stop();
          return connection.fingerprint === fingerprint(files) || undefined;
        });
      await serves(first);
      const before = await envoy.configuration();

      await expectStatus(201, efms.api('POST', '/secrets/name:edge-cert/versions', tls(second)));

      await serves(second);
      expect((await envoy.configuration()).listeners).toEqual(before.listeners);
      const connection = teardown.add(await connectTls(port, ca.pem));
      expect(await connection.ask('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')).toMatch(/^HTTP\/1.1 200/);
      await eventually('convergence after it', async () => ((await fleet.sync()).converged ? true : undefined));
      await expectStatus(200, efms.api('POST', '/secrets/name:edge-cert/versions/1/activate'));
      await serves(first);
      expect((await efms.api('DELETE', '/secrets/name:edge-cert', undefined, { 'if-match': '*' })).status).toBe(409);
    },
    120_000,
  );
});
