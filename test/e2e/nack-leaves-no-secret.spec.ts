import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';
import { commit, deploymentEnd, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';
import { HollowEnvoy } from '../kit/hollow-envoy.js';
import { wholeDatabase } from '../kit/whole-database.js';
import type { Variant } from '../kit/xds-stream.js';

/** Planted in the resources; none may be found anywhere afterwards. */
const PLANTED = {
  key: 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCplantedKey',
  password: 'planted-Passw0rd-of-the-key',
  ticket: 'planted-session-ticket-key-0123456789abcdef0123456789abcdef',
  header: 'planted-bearer-token-in-a-header',
};
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----\\n${PLANTED.key}\\n7bqW0Q==\\n-----END PRIVATE KEY-----\\n`;

const certificate = (indent: string): string =>
  [
    'certificate_chain {',
    '  inline_string: "-----BEGIN CERTIFICATE-----\\nMIIC\\n-----END CERTIFICATE-----\\n"',
    '}',
    'private_key {',
    `  inline_string: "${PRIVATE_KEY}"`,
    '}',
    'password {',
    `  inline_string: "${PLANTED.password}"`,
    '}',
  ]
    .map((line) => `${indent}${line}`)
    .join('\n');

/** What Envoy 1.40 writes where a rule of the API fails: the whole resource in protobuf text, then the rule. */
const CLUSTER_NACK = `goo.gle/debugonly    \nname: "blue"\ntype: EDS\nconnect_timeout {\n}\ntransport_socket {\n  name: "tls"\n  typed_config {
    [type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext] {\n      common_tls_context {
        tls_certificates {\n${certificate('          ')}\n        }\n      }\n    }\n  }\n}
: Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)`;

const LISTENER_NACK = `goo.gle/debugproto  \nname: "ingress"\nfilter_chains {\n  transport_socket {\n    name: "tls"\n    typed_config {
      [type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext] {
        session_ticket_keys {\n          keys {\n            inline_bytes: "${PLANTED.ticket}"\n          }\n        }
      }\n    }\n  }\n}\nmetadata {\n  authorization: "Bearer ${PLANTED.header}"\n}
: Proto constraint validation failed (ListenerValidationError.FilterChains[0]: embedded message failed validation | caused by FilterChainValidationError.Filters: value is required)`;

const ROUTE_NACK = `goo.gle/debugonly  \nname: "routes"\nvirtual_hosts {\n  request_headers_to_add {\n    header {\n      key: "authorization"\n      value: "Bearer ${PLANTED.header}"
    }\n  }\n}\n: Proto constraint validation failed (RouteConfigurationValidationError.VirtualHosts[0]: embedded message failed validation | caused by VirtualHostValidationError.Domains: value must contain at least 1 item(s))`;

const SECRET_NACK = `goo.gle/debugonly    \nname: "tick"\ntls_certificate {\n${certificate('  ')}\n}\nsession_ticket_keys {\n  keys {\n    inline_string: "${PLANTED.ticket}"\n  }\n  keys {\n  }\n}
: Proto constraint validation failed (SecretValidationError.SessionTicketKeys: embedded message failed validation | caused by TlsSessionTicketKeysValidationError.Keys[1]: embedded message failed validation | caused by DataSourceValidationError.Specifier: is required)`;

const CASES = [
  ['cluster', CLUSTER_NACK, 'ClusterValidationError.ConnectTimeout: value must be greater than 0s'],
  ['listener', LISTENER_NACK, 'FilterChainValidationError.Filters: value is required'],
  ['route', ROUTE_NACK, 'VirtualHostValidationError.Domains: value must contain at least 1 item(s)'],
  ['endpoint', SECRET_NACK, 'DataSourceValidationError.Specifier: is required'],
] as const;

describe('a refusal that carries the whole resource', () => {
  let efms: SpawnedEfms;
  const places: { name: string; text: string }[] = [];

  beforeAll(async () => {
    efms = await spawnEfms({ env: { EFMS_LOG_LEVEL: 'trace' } });
  }, 60_000);
  afterAll(() => efms.stop());

  const keep = async (path: string): Promise<any> => {
    const answer = await efms.api('GET', path);
    places.push({ name: `GET ${path}`, text: JSON.stringify(answer.body) });
    return answer.body;
  };

  const all = CASES.flatMap(([kind, message, reason]) =>
    (['delta', 'sotw'] as const).map((variant: Variant) => ({ kind, message, reason, variant })),
  );
  it.each(all)(
    'halts the deployment with its reason: $kind over $variant',
    async ({ kind, message, reason, variant }) => {
      const name = `nack-${kind}-${variant}`;
      const { token } = await registerProxy(efms, name);
      await efms.api('POST', '/configurations', { name });
      await commit(efms, name, null, edgeSnapshot());
      const envoy = new HollowEnvoy({ port: efms.xdsPort, token, nodeId: name, variant });
      envoy.refuse(kind, message);
      const deployment = await deploymentEnd(efms, await startDeployment(efms, name, 1, [name]));

      expect(deployment.status).toBe('halted');
      expect(deployment.targets.items).toMatchObject([
        { status: 'failed', reason: 'nack', message: expect.stringContaining(reason) },
      ]);
      const sync = await eventually(`the refusal of ${name}`, async () => {
        const body = await keep(`/proxies/name:${name}/sync`);
        return body.sync[kind]?.state === 'ERROR' ? body.sync[kind] : undefined;
      });
      expect(sync.error).toMatchObject({ code: 13, message: expect.stringContaining(reason) });

      for (const path of [`/deployments/${deployment.id}`, `/proxies/name:${name}`, '/deployments', '/proxies']) {
        await keep(path);
      }
      await envoy.stop();
    },
  );

  it('leaves none of what it carried in the database', async () => {
    const tables = await wholeDatabase(efms.database);
    expect(tables.map(({ name }) => name)).toContain('public.resource_acknowledgements');
    places.push(...tables);
    const text = places.map((place) => place.text).join('\n');
    // The search would find what is there.
    expect(text).toContain('ClusterValidationError.ConnectTimeout');
    expectNothingPlanted();
  });

  it('leaves none of it in metrics and logs', async () => {
    const metrics = await (await fetch(`${efms.http}/metrics`)).text();
    expect(metrics).toContain('nack');
    places.push({ name: 'metrics', text: metrics });
    await efms.terminate();
    places.push({ name: 'log', text: efms.output() });
    expect(efms.output()).toContain('EFMS is ready');
    expectNothingPlanted();
  });

  /** Also in the forms in which bytes are printed. */
  function expectNothingPlanted(): void {
    const forms = Object.entries(PLANTED).flatMap(([name, marker]) => [
      [name, marker],
      [`${name} in hex`, Buffer.from(marker).toString('hex')],
      [`${name} in base64`, Buffer.from(marker).toString('base64').slice(4, -4)],
      [`a part of ${name}`, marker.slice(8, 28)],
    ]);
    const found = places.flatMap(({ name, text }) =>
      forms.filter(([, form]) => text.includes(form!)).map(([what]) => `${what} in ${name}`),
    );
    expect(found).toEqual([]);
  }
});
