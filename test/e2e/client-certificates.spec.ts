import { once } from 'node:events';
import http2 from 'node:http2';
import tls from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { resourceType } from '../../src/xds/resource-types.js';
import { ADS_SERVICE, CDS_SERVICE } from '../../src/xds/server/discovery-services.js';
import { type KeyPairFiles, TestCa } from '../kit/certificates.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { type RegisteredProxy, registerProxy } from '../kit/fleet.js';
import { LoadReporter } from '../kit/report-client.js';
import { Teardown } from '../kit/teardown.js';
import { XdsClient } from '../kit/xds-client.js';
import { encodeDeltaRequest, encodeNode } from '../kit/xds-wire.js';

/** A proxy with a token, and with a certificate that is registered too. */
interface CertifiedProxy extends RegisteredProxy, KeyPairFiles {
  readonly certificateId: string;
}

describe('a proxy that proves itself by a client certificate', () => {
  const teardown = new Teardown();
  let efms: Efms;
  let authority: string;
  let issuer: TestCa;
  let number = 0;

  beforeAll(async () => {
    efms = await startEfms({ env: { EFMS_XDS_TLS: 'internal' } });
    issuer = await TestCa.create('CN=CA that EFMS never heard of');
    const [row] = await efms.database.sql<{ certificate: string }>('select certificate from ca_keys');
    authority = row!.certificate;
  });
  afterEach(() => teardown.run());
  afterAll(() => efms.stop());

  const issued = (): Promise<KeyPairFiles> => issuer.issue(['edge']);

  async function certified(days?: readonly [number, number]): Promise<CertifiedProxy> {
    const proxy = await registerProxy(efms, `proxy-${++number}`);
    const pair = await issuer.issue(['edge'], days);
    const { body } = await expectStatus(
      201,
      efms.api('POST', `/proxies/${proxy.id}/credentials`, { certificate: pair.certificate }),
    );
    return { ...proxy, ...pair, certificateId: body.id };
  }

  /** Over TLS, with the certificate if there is one. */
  const channel = (pair?: KeyPairFiles) =>
    credentials.createSsl(
      Buffer.from(authority),
      ...((pair ? [Buffer.from(pair.key), Buffer.from(pair.certificate)] : []) as [Buffer, Buffer]),
    );

  function open(pair: KeyPairFiles | undefined, nodeId: string, token: string | null = null, path?: string) {
    const client = new XdsClient(efms.xdsPort, '127.0.0.1', channel(pair));
    const stop = (): Promise<void> => {
      client.close();
      return Promise.resolve();
    };
    teardown.add({ stop });
    return client.open('delta', token, nodeId, path).subscribe('cluster');
  }

  /** How a stream ended that was given nothing. */
  async function refusal(...attempt: Parameters<typeof open>) {
    const stream = open(...attempt);
    const { code, details } = await stream.ended;
    expect(stream.frames).toHaveLength(0);
    return { code, details };
  }

  it('is served, by ADS and by a service of one type, and may report', async () => {
    const proxy = await certified();
    expect((await open(proxy, proxy.name).next()).kind).toBe('cluster');
    expect((await open(proxy, proxy.name, null, `/${CDS_SERVICE}/DeltaClusters`).next()).kind).toBe('cluster');
    const reporter = teardown.add(new LoadReporter(efms.xdsPort, null, proxy.name, channel(proxy)));
    expect(await reporter.asked).toMatchObject({ sendAllClusters: true });
  });

  it('is served on a TLS session that it goes on with', async () => {
    const proxy = await certified();
    let session: Buffer | undefined;
    for (const isReused of [false, true]) {
      const { key, certificate: cert } = proxy;
      const socket = tls.connect({
        host: '127.0.0.1',
        port: efms.xdsPort,
        ca: authority,
        key,
        cert,
        ALPNProtocols: ['h2'],
        ...(session && { session }),
      });
      socket.on('session', (next: Buffer) => (session = next));
      await once(socket, 'secureConnect');
      expect(socket.isSessionReused()).toBe(isReused);
      const connection = http2.connect('https://127.0.0.1', { createConnection: () => socket });
      const call = connection.request({
        ':method': 'POST',
        ':path': `/${ADS_SERVICE}/DeltaAggregatedResources`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const request = encodeDeltaRequest({
        typeUrl: resourceType('cluster').typeUrl,
        node: encodeNode({ id: proxy.name }),
      });
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(request.length, 1);
      call.write(Buffer.concat([prefix, request]));
      const [first] = (await once(call, 'data')) as [Buffer];
      expect(first.length).toBeGreaterThan(5);
      call.on('error', () => undefined);
      connection.destroy();
    }
  });

  it('is refused with a certificate that nobody registered, whoever issued it, and with none', async () => {
    const proxy = await certified();
    expect(await refusal(await issued(), proxy.name)).toEqual({
      code: status.UNAUTHENTICATED,
      details: 'the client certificate is not registered',
    });
    expect(await refusal(undefined, proxy.name)).toEqual({
      code: status.UNAUTHENTICATED,
      details: 'a bearer token or a client certificate is needed',
    });
    const reasons = await eventually('both in the audit log', async () => {
      const rows = await efms.database.sql<{ reason: string }>(
        `select distinct changes ->> 'reason' as reason from audit_logs
          where outcome = 'denied' and action = 'xds.connect' and actor_name = 'unknown proxy' order by 1`,
      );
      return rows.length >= 2 ? rows.map(({ reason }) => reason) : undefined;
    });
    expect(reasons).toEqual(['no bearer token and no client certificate', 'unknown client certificate']);
  });

  it('is refused with one that is revoked, has ended or has not begun', async () => {
    const [revoked, ended, early] = [await certified(), await certified(), await certified([1, 2])];
    await expectStatus(204, efms.api('DELETE', `/proxies/${revoked.id}/credentials/${revoked.certificateId}`));
    await efms.database.sql(`update proxy_credentials set expires_at = now() - interval '1 second' where id = $1`, [
      ended.certificateId,
    ]);
    const refused = (details: string) => ({ code: status.PERMISSION_DENIED, details: `the credential is ${details}` });
    expect(await refusal(revoked, revoked.name)).toEqual(refused('revoked'));
    expect(await refusal(ended, ended.name)).toEqual(refused('expired'));
    expect(await refusal(early, early.name)).toEqual(refused('not valid yet'));
  });

  it('is cut off when its certificate is revoked, and comes back with the next', async () => {
    const proxy = await certified();
    const stream = open(proxy, proxy.name);
    await stream.next();
    const next = await issued();
    const { certificate } = next;
    await expectStatus(201, efms.api('POST', `/proxies/${proxy.id}/credentials`, { certificate }));

    await expectStatus(204, efms.api('DELETE', `/proxies/${proxy.id}/credentials/${proxy.certificateId}`));

    expect(await stream.ended).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: 'the credential is revoked',
    });
    expect((await open(next, proxy.name).next()).kind).toBe('cluster');
  });

  it('is not whom its node says', async () => {
    const [mine, other] = [await certified(), await certified()];
    expect(await refusal(mine, other.name)).toEqual({
      code: status.PERMISSION_DENIED,
      details: 'the node id is not that of the credential',
    });
  });

  it('is whom its token says, where it shows one beside the certificate', async () => {
    const [one, other] = [await certified(), await certified()];
    expect((await open(one, other.name, other.token).next()).kind).toBe('cluster');
    expect(await refusal(one, one.name, other.token)).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(await refusal(one, one.name, 'garbage')).toEqual({
      code: status.UNAUTHENTICATED,
      details: 'the token is not valid',
    });
  });

  it('still needs no certificate where it has a token', async () => {
    const proxy = await registerProxy(efms, `proxy-${++number}`);
    expect((await open(undefined, proxy.name, proxy.token).next()).kind).toBe('cluster');
  });

  it('has its files in a bootstrap of its own over which EFMS is laid', async () => {
    const proxy = await registerProxy(efms, `proxy-${++number}`);
    const query = 'format=json&credential=certificate&keyFile=/tls/edge.key';
    const given = { admin: { address: { socket_address: { address: '127.0.0.1', port_value: 15000 } } } };
    const { body } = await expectStatus(200, efms.api('POST', `/proxies/${proxy.id}/bootstrap?${query}`, given));
    expect(JSON.stringify(body)).toContain('"private_key":{"filename":"/tls/edge.key"}');
    expect(JSON.stringify(body)).not.toContain('authorization');
  });

  it('leaves no key behind', async () => {
    const { key, certificate } = await issued();
    const proxy = await registerProxy(efms, `proxy-${++number}`);
    await expectStatus(422, efms.api('POST', `/proxies/${proxy.id}/credentials`, { certificate: certificate + key }));
    const [row] = await efms.database.sql<{ dump: string }>(
      `select (select string_agg(c::text, ' ') from proxy_credentials c) || (select string_agg(a::text, ' ') from audit_logs a) as dump`,
    );
    for (const line of key.split('\n').slice(1, -2)) expect(row!.dump).not.toContain(line);
  });
});
