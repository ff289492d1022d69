import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestCa } from '../kit/certificates.js';
import { CsdsClient } from '../kit/csds-client.js';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { EventListener } from '../kit/event-listener.js';
import { eventually } from '../kit/eventually.js';
import { commit, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { edsCluster } from '../kit/resources.js';
import { wholeDatabase } from '../kit/whole-database.js';
import { XdsClient, type XdsClientStream } from '../kit/xds-client.js';
import type { Variant } from '../kit/xds-stream.js';
import { type DecodedResponse, encodeNode } from '../kit/xds-wire.js';

/** Planted in what proxies say of themselves, in secrets, inline in configurations, in refusals, and in what tools ask with. */
const PLANTED = {
  metadata: 'planted-Passw0rd-in-the-metadata-of-a-proxy',
  metadataKey: 'planted-key-of-metadata-with-a-Secret-1n-it',
  header: 'planted-c00kie-in-the-headers-of-a-stream',
  secret: 'planted-Passw0rd-of-an-upstream-in-a-secret',
  next: 'planted-N3xt-password-of-an-upstream-in-a-secret',
  inline: 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCplantedInlineKey',
  refusal: 'planted-Passw0rd-in-a-refusal-of-a-cluster',
  matcher: 'planted-t0ken-in-the-metadata-of-a-matcher',
  authorization: 'planted-t0ken-that-is-no-credential-of-anybody',
};
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----\n${PLANTED.inline}\n7bqW0Q==\n-----END PRIVATE KEY-----\n`;
const NACK = `goo.gle/debugonly    \nname: "blue"\ntransport_socket {\n  typed_config {\n    private_key {\n      inline_string: "${PLANTED.refusal}"\n    }
    password {\n      inline_string: "${PLANTED.refusal}"\n    }\n  }\n}\n: Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)`;
const SECRET_NACK = `goo.gle/debugonly    \nname: "password"\ngeneric_secret {\n  secret {\n    inline_string: "${PLANTED.next}"\n  }\n}\n: Proto constraint validation failed (SecretValidationError.GenericSecret: value is required)`;
const FAILED_RULE = 'ClusterValidationError.ConnectTimeout: value must be greater than 0s';

const VARIANTS: readonly Variant[] = ['delta', 'sotw'];
/** What a proxy asks for need not be there. */
const NAMES = ['cert', 'password', PLANTED.metadata];

/** A cluster with a key or a password where Envoy takes one. */
const withInline = (source: object) => ({
  ...edsCluster('blue'),
  transport_socket: {
    name: 'tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: { tls_certificates: [{ certificate_chain: { filename: '/c' }, private_key: source }] },
    },
  },
});

describe('what EFMS tells of proxies, by CSDS and everywhere else', () => {
  const forms: string[] = [];
  const places: { name: string; text: string }[] = [];
  const streams: XdsClientStream[] = [];
  let efms: SpawnedEfms;
  let csds: CsdsClient;
  let xds: XdsClient;
  let listener: EventListener;

  /** In the forms in which bytes are printed; base64 of what stands in another text begins at one of three places. */
  const plant = (marker: string): void => {
    const bytes = Buffer.from(marker);
    const shifted = [0, 1, 2].map((i) => bytes.subarray(i).toString('base64').slice(0, -4));
    forms.push(marker, bytes.toString('hex'), ...shifted);
  };
  const call = async (method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await efms.api(method, path, body);
    places.push({ name: `${method} ${path}`, text: JSON.stringify(answer.body) });
    return answer;
  };
  const expectNoTrace = (): void => {
    const found = places.flatMap(({ name, text }) =>
      forms.filter((form) => text.includes(form)).map((form) => `${form} in ${name}`),
    );
    expect(found).toEqual([]);
  };
  /** Asks by CSDS, and keeps what is answered: the bytes, the same read, or the status. */
  const ask = async (request: object, headers: Record<string, string>): Promise<any> => {
    const name = `CSDS ${JSON.stringify(Object.keys(request))}`;
    const answer = await csds.fetch(headers, request).catch((error: unknown) => error as Error);
    if (answer instanceof Error) {
      places.push({ name, text: `${answer.message} ${JSON.stringify(answer)}` });
      return answer;
    }
    places.push({ name, text: answer.bytes.toString('latin1') }, { name, text: JSON.stringify(answer.json) });
    return answer.json;
  };

  /** A proxy that asks for secrets, with what is planted in its node and its headers. */
  const connected = async (variant: Variant): Promise<XdsClientStream> => {
    const { token } = await registerProxy(efms, variant);
    plant(token);
    const metadata = { [PLANTED.metadataKey]: 'x', password: PLANTED.metadata };
    const node = encodeNode({ id: variant, bootId: `boot-${variant}`, metadata });
    const headers = { cookie: PLANTED.header, 'x-api-key': PLANTED.header };
    return xds.open(variant, token, variant, undefined, headers).subscribe('secret', NAMES, { node });
  };
  /** The next secrets, which have the text; those before are acknowledged. */
  const got = async (stream: XdsClientStream, text: string): Promise<DecodedResponse> => {
    for (;;) {
      const response = await stream.next();
      if (response.kind !== 'secret') continue;
      if (stream.frames[stream.responses.indexOf(response)]!.includes(text)) return response;
      stream.ack(response, NAMES);
    }
  };

  beforeAll(async () => {
    efms = await spawnEfms({ env: { EFMS_LOG_LEVEL: 'trace' } });
    csds = new CsdsClient(efms.xdsPort);
    xds = new XdsClient(efms.xdsPort);
    const headers = { authorization: `Bearer ${efms.adminToken}` };
    const response = await fetch(`${efms.http}/api/v1/events`, { headers });
    listener = new EventListener(Readable.fromWeb(response.body as any));
    for (const marker of Object.values(PLANTED)) plant(marker);
  }, 60_000);
  afterAll(async () => {
    for (const { call: stream } of streams) stream.cancel();
    await csds.stop();
    xds.close();
    await efms.stop();
  });

  it('has no key that stands inline in a configuration, for that is refused', async () => {
    await expectStatus(201, call('POST', '/configurations', { name: 'edge' }));
    const sources = [
      { inline_string: PRIVATE_KEY },
      { inline_bytes: Buffer.from(PRIVATE_KEY).toString('base64') },
      { inline_string: PLANTED.inline },
    ];
    for (const source of sources) {
      const snapshot = { ...edgeSnapshot(), clusters: [withInline(source), edsCluster('green')] };
      const body = { branch: 'main', expectedHead: null, message: '', snapshot };
      await expectStatus(422, call('POST', '/configurations/name:edge/versions', body));
    }
    expectNoTrace();
  });

  it('has nothing that a proxy says of itself, is given as a secret, or refuses', async () => {
    const { certificate, key } = await (await TestCa.create()).issue(['a.example'], [-1, 100]);
    for (const line of key.split('\n').filter((text) => text.length > 40)) plant(line);
    const tlsCertificate = { certificateChain: certificate, privateKey: key };
    await expectStatus(201, call('PUT', '/secrets/name:cert', { tlsCertificate }));
    await expectStatus(201, call('PUT', '/secrets/name:password', { genericSecret: { value: PLANTED.secret } }));
    const secrets = [{ name: 'cert' }, { name: 'password' }];
    await commit(efms, 'edge', null, { ...edgeSnapshot(), secrets });
    for (const variant of VARIANTS) streams.push(await connected(variant));
    await startDeployment(efms, 'edge', 1, VARIANTS);
    for (const stream of streams) {
      stream.ack(await got(stream, PLANTED.secret), NAMES);
      stream.subscribe('cluster');
      const clusters = await eventually('clusters', () => stream.responses.find(({ kind }) => kind === 'cluster'));
      stream.nack(clusters, NACK);
    }
    const rotation = { genericSecret: { value: PLANTED.next } };
    await expectStatus(201, call('POST', '/secrets/name:password/versions', rotation));
    for (const stream of streams) stream.nack(await got(stream, PLANTED.next), SECRET_NACK, NAMES);
    for (const variant of VARIANTS) {
      await eventually('the refusals', async () => {
        const { body } = await call('GET', `/proxies/name:${variant}/sync`);
        return (body.sync.cluster?.state === 'ERROR' && body.sync.secret?.state === 'ERROR') || undefined;
      });
      for (const path of ['', '/xds']) await expectStatus(200, call('GET', `/proxies/name:${variant}${path}`));
    }
    expectNoTrace();
  });

  it('says so over CSDS to whoever asks for all that there is', async () => {
    const admin = { authorization: `Bearer ${efms.adminToken}` };
    const { config } = await ask({}, admin);
    const told = config.map(({ node, genericXdsConfigs }: any) => [node.id, genericXdsConfigs.length]);
    expect(told).toEqual([
      ['delta', 8],
      ['sotw', 8],
    ]);
    // What was refused is told, and why; the search would find what is there.
    expect(JSON.stringify(config)).toContain(FAILED_RULE);
    await ask({ excludeResourceContents: true }, admin);
    const refusals = [
      await ask({ nodeMatchers: [{ nodeId: { safeRegex: { regex: PLANTED.matcher } } }] }, admin),
      await ask({ nodeMatchers: [{ nodeMetadatas: [{ path: [{ key: PLANTED.matcher }] }] }] }, admin),
      await ask({}, { authorization: `Bearer ${PLANTED.authorization}` }),
      await ask({}, { authorization: PLANTED.authorization }),
      await ask({}, { ...admin, 'x-efms-tenant': PLANTED.matcher }),
    ];
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(Error);
    expectNoTrace();
  });

  it('has none of it in a diff, the audit log, an event, a table, a metric or a line of the log', async () => {
    const next = { ...edgeSnapshot({ '/': 'green' }), secrets: [{ name: 'password' }] };
    await commit(efms, 'edge', 1, next);
    for (const path of ['/configurations/name:edge/versions/2/diff', '/audit-logs', '/secrets', '/deployments']) {
      await expectStatus(200, call('GET', path));
    }
    await eventually('the refusals among the events', () => listener.types.includes('proxy.quarantined') || undefined);
    places.push({ name: 'events', text: JSON.stringify(listener.messages) });
    const tables = await wholeDatabase(efms.database);
    expect(tables.map(({ name }) => name)).toContain('public.xds_streams');
    places.push(...tables);
    expect(places.map(({ text }) => text).join('\n')).toContain(FAILED_RULE);
    places.push({ name: 'metrics', text: await (await fetch(`${efms.http}/metrics`)).text() });
    for (const { call: stream } of streams) stream.cancel();
    await efms.terminate();
    places.push({ name: 'log', text: efms.output() });
    expect(efms.output()).toContain('EFMS is ready');
    expectNoTrace();
  });
});
