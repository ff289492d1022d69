import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from '../../src/common/config/config.js';
import { startServer } from '../../src/start/server.js';
import { startEfms } from '../kit/efms.js';
import { TestCa } from '../kit/certificates.js';
import { describeWithEnvoy, startEnvoy, validateBootstrap } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { expectStatus, FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { untilAnsweredBy } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { edsCluster, endpointSet, httpListener, routeConfiguration } from '../kit/resources.js';
import { Teardown } from '../kit/teardown.js';
import { startUpstream } from '../kit/upstream.js';

/** Those of test/kit/efms.ts, for a replica beside it. */
const KEYS = {
  EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
  EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
};

/** What `POST …/credentials` and `GET …/bootstrap` render of TLS. */
interface Bootstrap {
  static_resources: {
    clusters: {
      transport_socket?: {
        typed_config: { common_tls_context: { validation_context: { trusted_ca: { inline_string: string } } } };
      };
    }[];
  };
}

describeWithEnvoy('an xDS port with TLS', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  const startWithTls = async (address = '127.0.0.1') => {
    const xds = await freePort();
    const env = { EFMS_XDS_TLS: 'internal', EFMS_XDS_PUBLIC_ADDRESS: `${address}:${xds}` };
    return teardown.add(await startEfms({ ports: { xds }, env }));
  };

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it.each(['127.0.0.1', 'localhost'])(
      'configures an Envoy that finds it as %s',
      async (address) => {
        const blue = teardown.add(await startUpstream('blue'));
        const fleet = await FleetOfOne.register(await startWithTls(address), `tls-${protocol}`);
        const port = await freePort();
        const envoy = teardown.add(await fleet.startEnvoy(protocol));

        const deployment = await fleet.deploy({
          listeners: [httpListener('ingress', port, 'routes')],
          routes: [routeConfiguration('routes', { '/': 'blue' })],
          clusters: [edsCluster('blue')],
          endpoints: [endpointSet('blue', blue.port)],
        });

        expect(deployment).toMatchObject({ status: 'succeeded' });
        await untilAnsweredBy('blue', port);
        const stats = await envoy.stats('cluster.efms_xds.ssl.(handshake|versions|fail_verify)');
        expect(Object.fromEntries(stats)).toMatchObject({
          'cluster.efms_xds.ssl.handshake': 1,
          'cluster.efms_xds.ssl.versions.TLSv1.3': 1,
          'cluster.efms_xds.ssl.fail_verify_error': 0,
          'cluster.efms_xds.ssl.fail_verify_san': 0,
        });
      },
      120_000,
    );
  });

  it('configures an Envoy that has a client certificate and no token, until that is revoked', async () => {
    const blue = teardown.add(await startUpstream('blue'));
    const efms = await startWithTls();
    const fleet = await FleetOfOne.register(efms, 'certified');
    const credentials = '/proxies/name:certified/credentials';
    const { body: tokens } = await efms.api('GET', credentials);
    await expectStatus(204, efms.api('DELETE', `${credentials}/${tokens.items[0].id}`));
    const { certificate, key } = await (await TestCa.create()).issue(['certified']);
    const [certificateFile, keyFile] = ['client.crt', 'client.key'].map((name) => path.join(efms.dataDir, name));
    writeFileSync(certificateFile!, certificate);
    writeFileSync(keyFile!, key, { mode: 0o600 });
    const { body: credential } = await expectStatus(201, efms.api('POST', credentials, { certificate }));
    const adminPort = String(await freePort());
    const files = { credential: 'certificate', certificateFile: certificateFile!, keyFile: keyFile! };
    const bootstrap = await fleet.bootstrap({ format: 'yaml', protocol: 'delta', adminPort, ...files });
    const port = await freePort();
    teardown.add(await startEnvoy({ bootstrap }));

    const deployment = await fleet.deploy({
      listeners: [httpListener('ingress', port, 'routes')],
      routes: [routeConfiguration('routes', { '/': 'blue' })],
      clusters: [edsCluster('blue')],
      endpoints: [endpointSet('blue', blue.port)],
    });

    expect(bootstrap).not.toContain('authorization');
    expect(deployment).toMatchObject({ status: 'succeeded' });
    await untilAnsweredBy('blue', port);

    await expectStatus(204, efms.api('DELETE', `${credentials}/${credential.id}`));

    await eventually('a proxy that is let in no more', async () =>
      (await fleet.status()).connection === 'disconnected' ? true : undefined,
    );
    await untilAnsweredBy('blue', port);
  }, 120_000);

  it('shares its fleet with a replica that has a certificate of the operator, found by a wildcard', async () => {
    const xds = await freePort();
    const authority = await TestCa.create();
    const env = { EFMS_XDS_TLS: 'internal', EFMS_XDS_PUBLIC_ADDRESS: `efms.edge.localhost:${xds}` };
    const efms = teardown.add(await startEfms({ env }));
    const { certificate, key } = await authority.issue(['*.edge.localhost']);
    const files = { 'cert.pem': certificate, 'key.pem': key, 'ca.pem': authority.pem };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(path.join(efms.dataDir, name), text, { mode: 0o600 });
    }
    teardown.add(
      await startServer(
        loadConfig({
          ...KEYS,
          ...env,
          DATABASE_URL: efms.database.appUrl,
          DATABASE_SYSTEM_URL: efms.database.systemUrl,
          EFMS_DATA_DIR: efms.dataDir,
          EFMS_LOG_LEVEL: 'warn',
          EFMS_HTTP_PORT: '0',
          EFMS_XDS_PORT: String(xds),
          EFMS_XDS_TLS: 'files',
          EFMS_TLS_CERT: path.join(efms.dataDir, 'cert.pem'),
          EFMS_TLS_KEY: path.join(efms.dataDir, 'key.pem'),
          EFMS_TLS_CA: path.join(efms.dataDir, 'ca.pem'),
        }),
      ),
    );
    const fleet = await FleetOfOne.register(efms, 'elsewhere');
    const bootstrap = withTrust(await bootstrapOf(fleet), authority.pem);

    teardown.add(await startEnvoy({ bootstrap }));

    await eventually('a connected proxy', async () =>
      (await fleet.status()).connection === 'connected' ? true : undefined,
    );
  }, 90_000);

  it('renders bootstraps that Envoy validates, with the CA in them', async () => {
    const fleet = await FleetOfOne.register(await startWithTls('localhost'), 'pinned');
    for (const format of ['yaml', 'json']) {
      const text = await fleet.bootstrap({ format, protocol: 'delta' });
      expect(await validateBootstrap(text)).toMatchObject({ code: 0 });
      expect(pinnedIn(text)).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    }
  }, 90_000);

  it('is refused by an Envoy that pins another CA', async () => {
    const fleet = await FleetOfOne.register(await startWithTls(), 'wary');
    const bootstrap = await bootstrapOf(fleet);
    const other = (await TestCa.create()).pem;

    const counted = await refusal(withTrust(bootstrap, other), 'fail_verify_error');

    expect(counted).toBeGreaterThan(0);
    expect(await fleet.status()).toMatchObject({ connection: 'never_seen' });
  }, 90_000);

  it('is refused by an Envoy that was sent to another name', async () => {
    const fleet = await FleetOfOne.register(await startWithTls(), 'misled');
    const bootstrap = (await bootstrapOf(fleet)).replace('exact: "127.0.0.1"', 'exact: "127.0.0.2"');

    expect(await refusal(bootstrap, 'fail_verify_san')).toBeGreaterThan(0);
    expect(await fleet.status()).toMatchObject({ connection: 'never_seen' });
  }, 90_000);

  it('takes no Envoy that speaks plaintext', async () => {
    const fleet = await FleetOfOne.register(await startWithTls(), 'naive');
    const document = parse(await bootstrapOf(fleet)) as Bootstrap;
    delete document.static_resources.clusters[0]!.transport_socket;
    const envoy = teardown.add(await startEnvoy({ bootstrap: document }));

    await eventually('more than one attempt', async () => {
      const stats = await envoy.stats('cluster.efms_xds.upstream_cx_total');
      return (stats.get('cluster.efms_xds.upstream_cx_total') ?? 0) > 1 ? true : undefined;
    });
    expect(await fleet.status()).toMatchObject({ connection: 'never_seen' });
  }, 90_000);

  async function bootstrapOf(fleet: FleetOfOne): Promise<string> {
    return fleet.bootstrap({ format: 'yaml', protocol: 'delta', adminPort: String(await freePort()) });
  }

  /** Starts an Envoy and waits until it has counted a handshake that it broke off for this reason. */
  async function refusal(bootstrap: string, reason: string): Promise<number> {
    const envoy = teardown.add(await startEnvoy({ bootstrap }));
    return eventually(reason, async () => {
      const count = (await envoy.stats(`ssl.${reason}`)).get(`cluster.efms_xds.ssl.${reason}`) ?? 0;
      return count > 0 ? count : undefined;
    });
  }
});

const pinnedIn = (text: string): string | undefined =>
  (parse(text) as Bootstrap).static_resources.clusters[0]?.transport_socket?.typed_config.common_tls_context
    .validation_context.trusted_ca.inline_string;

/** The bootstrap with another CA in the place of the pinned one. */
function withTrust(bootstrap: string, ca: string): string {
  const document = JSON.stringify(parse(bootstrap));
  return document.replace(JSON.stringify(pinnedIn(bootstrap)), JSON.stringify(ca));
}
