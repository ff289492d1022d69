import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import os from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../../src/common/context/ids.js';
import { ClaimChecks } from '../../../src/xds/assignments/claim-checks.js';
import { SDS_SERVICE } from '../../../src/xds/server/discovery-services.js';
import { type KeyPairFiles, TestCa } from '../../kit/certificates.js';
import { type ApiAnswer, type Efms, startEfms } from '../../kit/efms.js';
import { eventually } from '../../kit/eventually.js';
import { deploymentOf, edgeSnapshot, registerProxy, startDeployment } from '../../kit/fleet.js';
import { expectStatus } from '../../kit/fleet-of-one.js';
import { tlsListener } from '../../kit/resources.js';
import { openTenant } from '../../kit/tenancy.js';
import { XdsClient } from '../../kit/xds-client.js';

const ANY = { 'if-match': '*' };
const generic = (value: string) => ({ genericSecret: { value } });

describe('secrets', () => {
  let efms: Efms;
  let root: TestCa;
  let leaf: KeyPairFiles;

  beforeAll(async () => {
    efms = await startEfms();
    root = await TestCa.create();
    leaf = await root.issue(['edge.example.com', '10.0.0.1'], [-1, 100]);
  });
  afterAll(() => efms.stop());

  const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer> =>
    efms.api(method, `/secrets${path}`, body, headers);
  const tls = ({ certificate, key }: KeyPairFiles, ...chain: string[]) => ({
    tlsCertificate: { certificateChain: [certificate, ...chain].join(''), privateKey: key },
  });
  const problem = ({ status, body }: ApiAnswer) => [status, body.type];
  const refusal = async (body: object): Promise<{ pointer: string; rule: string; detail: string }[]> => {
    const answer = await expectStatus(422, api('POST', '', { name: 'refused', ...body }));
    expect((await api('GET', '/name:refused')).status).toBe(404);
    return answer.body.errors;
  };

  it('of a certificate say what it is, and never what is secret of it', async () => {
    const made = await expectStatus(201, api('PUT', '/name:edge-cert', { ...tls(leaf), description: 'of the edge' }));
    const x509 = new X509Certificate(leaf.certificate);
    expect(made.headers.get('etag')).toBe('"1"');
    expect(made.headers.get('location')).toBe(`/api/v1/secrets/${made.body.id}`);
    expect(made.body).toEqual({
      id: expect.any(String),
      name: 'edge-cert',
      type: 'tlsCertificate',
      description: 'of the edge',
      metadata: {},
      version: {
        number: 1,
        current: true,
        fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
        certificates: [
          {
            subject: 'CN=server',
            issuer: 'CN=Test CA',
            serialNumber: x509.serialNumber.toLowerCase(),
            notBefore: new Date(x509.validFrom).toISOString(),
            notAfter: new Date(x509.validTo).toISOString(),
            fingerprintSha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
            dnsNames: ['edge.example.com'],
            ipAddresses: ['10.0.0.1'],
            uris: [],
          },
        ],
        findings: [],
        expiresAt: new Date(x509.validTo).toISOString(),
        createdBy: { kind: 'user', id: expect.any(String), name: 'admin@efms.local' },
        createdAt: expect.any(String),
      },
      revision: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await api('GET', '/name:edge-cert')).body).toEqual(made.body);
    expect((await api('GET', `/${made.body.id}`)).body).toEqual(made.body);
    const listed = await api('GET', '?type=tlsCertificate');
    expect(listed.body.items).toContainEqual(made.body);
    expect((await api('GET', '?type=genericSecret')).body.items).not.toContainEqual(made.body);
  });

  it('can be put again and again, however the PEM is written', async () => {
    const first = await expectStatus(201, api('PUT', '/name:again', tls(leaf)));
    const ec = createPrivateKey(leaf.key).export({ type: 'sec1', format: 'pem' }).toString();
    const certificate = `Bag Attributes\r\n${leaf.certificate.replaceAll('\n', '\r\n')}\n\n`;
    const again = await expectStatus(200, api('PUT', '/name:again', tls({ certificate, key: ec })));
    expect(again.body).toEqual(first.body);
    const other = await root.issue(['edge.example.com'], [-1, 100]);
    expect((await api('PUT', '/name:again', tls(other))).status).toBe(428);
    expect((await api('PUT', '/name:again', tls(other), { 'if-match': '"7"' })).status).toBe(412);
    const changed = await expectStatus(200, api('PUT', '/name:again', tls(other), { 'if-match': '"1"' }));
    expect(changed.body).toMatchObject({ version: { number: 2 }, revision: 2 });
    expect(problem(await api('POST', '', { name: 'again', ...tls(leaf) }))).toEqual([
      409,
      '/problems/secret-name-taken',
    ]);
  });

  it('of every type are kept, and say nothing of their content', async () => {
    const chain = await root.below();
    const below = await chain.issue(['below.example.com'], [-1, 100]);
    const bodies = {
      chain: tls(below, chain.pem),
      ca: {
        validationContext: {
          trustedCa: root.pem,
          subjectAltNames: [
            { type: 'dns', suffix: '.example.com' },
            { type: 'uri', exact: 'spiffe://example/a' },
            { type: 'ip', exact: '10.0.0.1' },
          ],
        },
      },
      pinned: { validationContext: { spkiHashes: [randomBytes(32).toString('base64')] } },
      text: generic('correct horse'),
      bytes: { genericSecret: { base64: randomBytes(40).toString('base64') } },
      tickets: { sessionTicketKeys: { keys: [randomBytes(80).toString('base64')] } },
    };
    for (const [name, body] of Object.entries(bodies)) {
      const { body: made } = await expectStatus(201, api('POST', '', { name, ...body }));
      expect(made.type).toBe(Object.keys(body)[0]);
      expect(Object.keys(made.version)).not.toContain('ciphertext');
    }
    expect((await api('GET', '/name:chain')).body.version.certificates).toMatchObject([
      { issuer: 'CN=Intermediate CA' },
      { subject: 'CN=Intermediate CA', issuer: 'CN=Test CA' },
    ]);
    expect((await api('GET', '/name:ca')).body.version).toMatchObject({
      expiresAt: null,
      certificates: [{ subject: 'CN=Test CA' }],
    });
  });

  describe('are refused', () => {
    const pointerAndRule = async (body: object) => (await refusal(body)).map(({ pointer, rule }) => [pointer, rule]);
    const KEY = '/tlsCertificate/privateKey';
    const CHAIN = '/tlsCertificate/certificateChain';

    it('without a content, and with two', async () => {
      expect(await pointerAndRule({})).toEqual([['', 'secret.type']]);
      expect(await pointerAndRule({ ...generic('a'), ...tls(leaf) })).toEqual([['', 'secret.type']]);
    });

    it.each([
      [
        'of another certificate',
        async () => ({ key: (await root.issue(['a.example'])).key }),
        KEY,
        'secret.key.mismatch',
      ],
      ['that is encrypted', () => ({ key: encrypted(leaf.key) }), KEY, 'secret.key.encrypted'],
      [
        'that is encrypted as old OpenSSL did it',
        () => ({ key: leaf.key.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n') }),
        KEY,
        'secret.key.encrypted',
      ],
      ['that is cut off', () => ({ key: leaf.key.slice(0, 90) }), KEY, 'secret.key.pem'],
      ['that is damaged', () => ({ key: leaf.key.replace(/\n.{10}/, '\nAAAAAAAAAA') }), KEY, 'secret.key.pem'],
      ['that is a certificate', () => ({ key: leaf.certificate }), KEY, 'secret.key.pem'],
      ['that is none', () => ({ key: 'hunter2-not-a-key' }), KEY, 'secret.key.pem'],
      ['twice', () => ({ key: leaf.key + leaf.key }), KEY, 'secret.key.pem'],
      ['among the certificates', () => ({ certificate: leaf.certificate + leaf.key }), CHAIN, 'secret.certificate.pem'],
    ])('with a key %s', async (_, change, pointer, rule) => {
      const errors = await refusal(tls({ ...leaf, ...(await change()) }));
      expect(errors.map((error) => [error.pointer, error.rule])).toContainEqual([pointer, rule]);
      expect(JSON.stringify(errors)).not.toMatch(/hunter2|MIG|BEGIN [A-Z ]*PRIVATE KEY-----\\n./);
    });

    it('with weak and unusual keys', async () => {
      const rsa = {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 1024,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      };
      const weak = await root.issue(['a.example'], [-1, 100], rsa);
      expect(await pointerAndRule(tls(weak))).toContainEqual([KEY, 'secret.key.weak']);
      const curve = await root.issue(['a.example'], [-1, 100], { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' });
      const { body } = await expectStatus(201, api('POST', '', { name: 'p384', ...tls(curve) }));
      expect(body.version.findings).toMatchObject([{ pointer: KEY, rule: 'secret.key.curve', severity: 'warning' }]);
    });

    it('with a chain in the wrong order, of strangers, expired or not yet valid', async () => {
      const middle = await root.below();
      const below = await middle.issue(['a.example'], [-1, 100]);
      const details = (await refusal(tls(below, root.pem, middle.pem))).map(({ rule, detail }) => [rule, detail]);
      expect(details).toContainEqual(['secret.certificate.chain', expect.stringContaining('in order')]);
      const stranger = await TestCa.create();
      expect(await pointerAndRule(tls(below, stranger.pem))).toContainEqual([CHAIN, 'secret.certificate.chain']);
      const expired = await root.issue(['a.example'], [-20, -10]);
      expect(await pointerAndRule(tls(expired))).toContainEqual([CHAIN, 'secret.certificate.expired']);
      const early = await root.issue([], [3, 10]);
      const { body } = await expectStatus(201, api('POST', '', { name: 'early', ...tls(early) }));
      expect(body.version.findings.map(({ rule }: { rule: string }) => rule)).toEqual([
        'secret.certificate.not-yet-valid',
        'secret.certificate.names',
      ]);
    });

    it('with anything else that proxies could not use', async () => {
      const cases: [object, string, string][] = [
        [{ validationContext: { subjectAltNames: [] } }, '/validationContext', 'secret.validation.nothing'],
        [
          { validationContext: { trustedCa: root.pem, subjectAltNames: [{ type: 'dns', exact: 'a', prefix: 'b' }] } },
          '/validationContext/subjectAltNames/0',
          'secret.validation.match',
        ],
        [{ validationContext: { trustedCa: leaf.key } }, '/validationContext/trustedCa', 'secret.certificate.pem'],
        [{ genericSecret: { value: '' } }, '/genericSecret', 'secret.generic.empty'],
        [{ genericSecret: { value: 'a', base64: 'YQ==' } }, '/genericSecret', 'secret.generic.content'],
        [{ genericSecret: { base64: '%' } }, '/genericSecret/base64', 'request.matches'],
        [{ sessionTicketKeys: { keys: ['YQ=='] } }, '/sessionTicketKeys/keys/0', 'secret.ticket.length'],
        [{ sessionTicketKeys: { keys: [] } }, '/sessionTicketKeys/keys', 'request.arrayMinSize'],
        [{ tlsCertificate: {} }, '/tlsCertificate', 'request.isNotEmptyObject'],
        [{ tlsCertificate: { certificateChain: 1, privateKey: 2 } }, '/tlsCertificate/privateKey', 'request.isString'],
      ];
      for (const [body, pointer, rule] of cases) expect(await pointerAndRule(body)).toContainEqual([pointer, rule]);
    });

    it('where the body cannot be read, without quoting it', async () => {
      for (const body of ['{"name": "refused", "genericSecret": {"value": "hunter2" "x"}}', 'value: "hunter2']) {
        const type = body.startsWith('{') ? 'application/json' : 'application/yaml';
        const answer = await expectStatus(400, api('POST', '', body, { 'content-type': type }));
        expect(JSON.stringify(answer.body)).not.toContain('hunter2');
      }
    });

    it('another name, another type, and a content in a patch', async () => {
      await expectStatus(201, api('PUT', '/name:stays', generic('a')));
      const pointers = async (call: Promise<ApiAnswer>) =>
        (await expectStatus(422, call)).body.errors.map(({ pointer }: { pointer: string }) => pointer);
      expect(await pointers(api('PATCH', '/name:stays', { name: 'moves' }, ANY))).toEqual(['/name']);
      expect(await pointers(api('PATCH', '/name:stays', generic('b'), ANY))).toEqual(['/genericSecret']);
      expect(await pointers(api('PUT', '/name:stays', tls(leaf), ANY))).toEqual(['/tlsCertificate']);
      expect(await pointers(api('POST', '/name:stays/versions', tls(leaf)))).toEqual(['/tlsCertificate']);
      const patched = await expectStatus(200, api('PATCH', '/name:stays', { metadata: { owner: 'web' } }, ANY));
      expect(patched.body).toMatchObject({ metadata: { owner: 'web' }, version: { number: 1 }, revision: 2 });
    });
  });

  describe('in versions', () => {
    it('are rotated, listed without content, and brought back', async () => {
      await expectStatus(201, api('PUT', '/name:rotated', generic('one')));
      const two = await expectStatus(201, api('POST', '/name:rotated/versions', generic('two')));
      expect(two.body).toMatchObject({ number: 2, current: true });
      expect((await api('POST', '/name:rotated/versions', generic('two'))).body).toEqual(two.body);
      const three = await expectStatus(201, api('POST', '/name:rotated/versions', generic('one')));
      expect((await api('GET', '/name:rotated')).body).toMatchObject({ version: { number: 3 }, revision: 3 });
      const first = await expectStatus(200, api('POST', '/name:rotated/versions/1/activate'));
      expect(first.body).toMatchObject({ number: 1, current: true, fingerprint: three.body.fingerprint });
      expect((await api('POST', '/name:rotated/versions/1/activate')).body).toEqual(first.body);
      const listed = (await api('GET', '/name:rotated/versions')).body.items;
      expect(listed.map(({ number, current }: { number: number; current: boolean }) => [number, current])).toEqual([
        [3, false],
        [2, false],
        [1, true],
      ]);
      expect((await api('GET', '/name:rotated/versions/2')).body).toEqual({ ...two.body, current: false });
      const page = (await api('GET', '/name:rotated/versions?limit=2&sort=number')).body;
      const rest = await api('GET', `/name:rotated/versions?limit=2&sort=number&cursor=${page.nextCursor}`);
      expect(rest.body).toMatchObject({ items: [{ number: 3 }], nextCursor: null });
      expect(problem(await api('POST', '/name:rotated/versions/9/activate'))).toEqual([
        404,
        '/problems/secret-version-not-found',
      ]);
    });

    it('are numbered one after the other, however many rotate at once', async () => {
      await expectStatus(201, api('PUT', '/name:busy', generic('0')));
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) => api('POST', '/name:busy/versions', generic(`value ${i}`))),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
      expect(answers.map(({ body }) => body.number).sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
      expect((await api('GET', '/name:busy')).body).toMatchObject({ version: { number: 9 }, revision: 9 });
    });

    it('are made once where two make one secret at once', async () => {
      const put = () => api('PUT', '/name:twice', generic('same'));
      const statuses = (await Promise.all([put(), put(), put()])).map(({ status }) => status);
      expect(statuses.sort()).toEqual([200, 200, 201]);
    });

    it('change the heads of all proxies of the tenant, and tell of it', async () => {
      const proxy = await registerProxy(efms, 'headed');
      const rev = async () =>
        (
          await efms.database.sql<{ secrets_rev: string }>('select secrets_rev from proxy_heads where proxy_id = $1', [
            proxy.id,
          ])
        )[0]!.secrets_rev;
      const before = Number(await rev());
      await api('PUT', '/name:told', generic('one'));
      await api('PATCH', '/name:told', { description: 'says nothing to proxies' }, ANY);
      expect(Number(await rev())).toBe(before + 1);
      await api('POST', '/name:told/versions', generic('two'));
      await api('POST', '/name:told/versions/1/activate');
      expect(Number(await rev())).toBe(before + 3);
      await api('DELETE', '/name:told', undefined, ANY);
      const events = await efms.database.sql(
        `select type, payload from outbox_events where payload ->> 'name' = 'told' order by id`,
      );
      const told = (type: string, version: number) => ({
        type: `secret.${type}`,
        payload: { name: 'told', secretType: 'genericSecret', version },
      });
      expect(events).toEqual([told('created', 1), told('rotated', 2), told('rotated', 1), told('deleted', 1)]);
    });

    it('go with their secret, and leave who did it in the audit log', async () => {
      const { body } = await expectStatus(201, api('PUT', '/name:audited', tls(leaf)));
      await api('POST', '/name:audited/versions', tls(await root.issue(['b.example'], [-1, 100])));
      await expectStatus(204, api('DELETE', '/name:audited', undefined, { 'if-match': '"2"' }));
      const rows = await efms.database.sql<{ action: string; actor_name: string; version: unknown }>(
        `select action, actor_name, changes -> 'current_version' as version from audit_logs where resource_id = $1 order by created_at`,
        [body.id],
      );
      expect(rows).toEqual([
        { action: 'create', actor_name: 'admin@efms.local', version: { new: 1 } },
        { action: 'update', actor_name: 'admin@efms.local', version: { old: 1, new: 2 } },
        { action: 'delete', actor_name: 'admin@efms.local', version: { old: 2 } },
      ]);
      expect(await efms.database.sql('select from secret_versions where secret_id = $1', [body.id])).toEqual([]);
    });
  });

  describe('in a snapshot', () => {
    const commit = (
      name: string,
      secrets: readonly object[],
      expectedHead: number | null,
      sds: readonly string[] = [],
    ) => {
      const listeners = sds.map((secret, i) => tlsListener(`l${i}`, 12_000 + i, 'routes', secret));
      const snapshot = { ...edgeSnapshot(), ...(listeners.length > 0 && { listeners }), secrets };
      const body = { branch: 'main', expectedHead, message: '', snapshot };
      return efms.api('POST', `/configurations/name:${name}/versions`, body);
    };
    const findings = async (call: Promise<ApiAnswer>) =>
      (await expectStatus(422, call)).body.errors.map(({ pointer, rule }: { pointer: string; rule: string }) => [
        pointer,
        rule,
      ]);

    it('are named, and nothing of their content is taken or quoted', async () => {
      await expectStatus(201, api('PUT', '/name:named', tls(leaf)));
      await efms.api('POST', '/configurations', { name: 'naming' });
      expect(await findings(commit('naming', [{ name: 'nowhere' }], null))).toEqual([
        ['/snapshot/secrets/0/name', 'reference.secret'],
      ]);
      expect(await findings(commit('naming', [], null, ['named']))).toEqual([
        [expect.stringContaining('/snapshot/listeners/0/'), 'reference.secret'],
      ]);
      const inline = { name: 'named', genericSecret: { secret: { inline_string: 'hunter2' } } };
      const answer = await expectStatus(422, commit('naming', [inline], null));
      expect(answer.body.errors).toMatchObject([
        { pointer: '/snapshot/secrets/0/genericSecret', rule: 'secret.inline' },
      ]);
      expect(JSON.stringify(answer.body)).not.toContain('hunter2');
      expect(await findings(commit('naming', [{}], null))).toEqual([['/snapshot/secrets/0/name', 'name.required']]);
      await expectStatus(201, commit('naming', [{ name: 'named' }], null, ['named']));
      const read = await efms.api('GET', '/configurations/name:naming/versions/1?include=snapshot');
      expect(read.body.snapshot.secrets).toEqual([{ name: 'named' }]);
      const diff = await efms.api('GET', '/configurations/name:naming/versions/1/diff');
      expect(diff.body.added).toContainEqual({ kind: 'secret', name: 'named' });
    });

    it('are not deleted while a branch, an assignment or what it replaced names them', async () => {
      await expectStatus(201, api('PUT', '/name:used', tls(leaf)));
      await efms.api('POST', '/configurations', { name: 'using' });
      const proxy = await registerProxy(efms, 'user-of-secrets');
      const remove = () => api('DELETE', '/name:used', undefined, ANY);
      const kinds = async () =>
        (await api('GET', '/name:used/uses')).body.items.map(({ kind, name }: { kind: string; name: string }) => [
          kind,
          name,
        ]);
      expect(await kinds()).toEqual([]);
      await expectStatus(201, commit('using', [{ name: 'used' }], null));
      expect(await kinds()).toEqual([['branch', 'using']]);
      const assign = async (version: number) => {
        await startDeployment(efms, 'using', version, ['user-of-secrets']);
        await eventually('an assignment', async () => {
          const rows = await efms.database.sql(
            `select from proxy_assignments a join configuration_versions v on v.id = a.version_id
              where a.proxy_id = $1 and v.version_number = $2`,
            [proxy.id, version],
          );
          return rows.length > 0 || undefined;
        });
        const [deployment] = (await efms.api('GET', '/deployments?sort=-createdAt&limit=1')).body.items;
        await efms.api('POST', `/deployments/${deployment.id}/abort`);
      };
      await assign(1);
      await expectStatus(201, commit('using', [], 1));
      expect(await kinds()).toEqual([['assignment', 'user-of-secrets']]);
      const refused = await expectStatus(409, remove());
      expect(refused.body).toMatchObject({
        type: '/problems/secret-in-use',
        uses: [{ kind: 'assignment', name: 'user-of-secrets', id: proxy.id }],
      });
      await assign(2);
      expect(await kinds()).toEqual([['previousAssignment', 'user-of-secrets']]);
      expect((await remove()).status).toBe(409);
      await efms.api('DELETE', '/proxies/name:user-of-secrets', undefined, ANY);
      expect((await remove()).status).toBe(204);
      await registerProxy(efms, 'late');
      const late = await efms.api('POST', '/deployments', deploymentOf('using', 1, ['late']));
      expect([late.status, late.body.errors]).toMatchObject([422, [{ pointer: '/version', rule: 'reference.secret' }]]);
    });

    describe('of a proxy', () => {
      const NAMES = ['served', 'unnamed', 'foreign'];
      const keyOf = ({ key }: KeyPairFiles): string => key.split('\n')[1]!;
      let token: string;
      let next: KeyPairFiles;

      beforeAll(async () => {
        next = await root.issue(['edge.example.com'], [-1, 100]);
        const { admin } = await openTenant(efms, 'foreign');
        await expectStatus(201, admin('PUT', '/secrets/name:foreign', tls(leaf)));
        await expectStatus(201, api('PUT', '/name:served', tls(leaf)));
        await expectStatus(201, api('PUT', '/name:unnamed', tls(leaf)));
        ({ token } = await registerProxy(efms, 'served'));
        await efms.api('POST', '/configurations', { name: 'served' });
        await expectStatus(201, commit('served', [{ name: 'served' }], null, ['served']));
        await startDeployment(efms, 'served', 1, ['served']);
        await eventually('the assignment', async () =>
          (await efms.api('GET', '/proxies/name:served/xds')).body.assigned ? true : undefined,
        );
      });

      const methods = {
        ADS: [undefined, undefined],
        SDS: [`/${SDS_SERVICE}/DeltaSecrets`, `/${SDS_SERVICE}/StreamSecrets`],
      } as const;

      it.each(['ADS', 'SDS'] as const)(
        'are those that its assignment names, whatever it asks %s for',
        async (service) => {
          const client = new XdsClient(efms.xdsPort);
          for (const [i, variant] of (['delta', 'sotw'] as const).entries()) {
            const stream = client.open(variant, token, 'served', methods[service][i]);
            const { removed } = await stream.subscribe('secret', NAMES).next();
            if (variant === 'delta') expect(removed).toEqual(NAMES.slice(1));
            const sent = stream.frames.map(String).join();
            expect([sent.split('PRIVATE KEY').length, sent.includes(keyOf(leaf))]).toEqual([3, true]);
            stream.call.cancel();
          }
          client.close();
        },
      );

      it('are the newest when a stream answers that was sent one before, while its listener warms', async () => {
        const client = new XdsClient(efms.xdsPort);
        const stream = client.open('delta', token, 'served').subscribe('cluster');
        const clusters = await stream.next();
        stream.subscribe('endpoint', ['blue', 'green']);
        stream
          .ack(await stream.next())
          .ack(clusters)
          .subscribe('listener');
        await stream.next();
        const first = await stream.subscribe('secret', ['served']).next();
        for (const pair of [await root.issue(['edge.example.com'], [-1, 100]), next]) {
          await expectStatus(200, api('PUT', '/name:served', tls(pair), ANY));
        }
        expect((await api('DELETE', '/name:served', undefined, ANY)).status).toBe(409);
        const received = stream.frames.length;
        stream.ack(first);
        await eventually('the newest', async () => {
          const response = await stream.next();
          stream.ack(response);
          return String(stream.frames.at(-1)).includes(keyOf(next)) || undefined;
        });
        expect(stream.frames.slice(received).filter((frame) => !String(frame).includes('PRIVATE KEY'))).toEqual([]);
        client.close();
      });

      it('are not sent where anybody may listen', async () => {
        const outside = Object.values(os.networkInterfaces())
          .flatMap((addresses) => addresses ?? [])
          .find(({ internal, family }) => !internal && family === 'IPv4');
        // A machine without a network has nobody who could.
        if (!outside) return;
        const env = { EFMS_XDS_HOST: outside.address, EFMS_ALLOW_PLAINTEXT: '1' };
        const exposed = await startEfms({ database: efms.database, env });
        const client = new XdsClient(exposed.xdsPort, outside.address);
        try {
          const stream = client.open('delta', token, 'served').subscribe('secret', ['served']);
          expect((await stream.next()).removed).toEqual(['served']);
          expect(stream.frames.map(String).join()).not.toContain('PRIVATE KEY');
        } finally {
          client.close();
          await exposed.stop();
        }
      });
    });

    it('are known again by the version of them that a proxy comes back with', async () => {
      const { body } = await expectStatus(201, api('PUT', '/name:claimed', generic('a')));
      await expectStatus(201, api('POST', '/name:claimed/versions', generic('b')));
      const rows = await efms.database.sql<{ id: string; tenant_id: string }>(
        'select id, tenant_id from secret_versions where secret_id = $1 order by number',
        [body.id],
      );
      const checks = new ClaimChecks(await efms.database.open());
      const proxy = {
        tenantId: rows[0]!.tenant_id,
        proxyId: newId(),
        nodeId: '',
        credentialId: '',
        credentialEpoch: 0,
      };
      const isOurs = (versions: string[]) => checks.isOurs(proxy, 'delta', { kind: 'secret', versions });
      expect(await isOurs(rows.map(({ id }) => id))).toBe(true);
      expect(await isOurs([rows[0]!.id, newId()])).toBe(false);
    });

    it('are deleted, or used, but not both where that happens at once', async () => {
      for (let i = 0; i < 5; i += 1) {
        await expectStatus(201, api('PUT', `/name:raced-${i}`, generic('a')));
        await efms.api('POST', '/configurations', { name: `racing-${i}` });
        const [committed, removed] = await Promise.all([
          commit(`racing-${i}`, [{ name: `raced-${i}` }], null),
          api('DELETE', `/name:raced-${i}`, undefined, ANY),
        ]);
        expect([
          [201, 409],
          [422, 204],
        ]).toContainEqual([committed.status, removed.status]);
      }
    });
  });

  it('are sealed under the key of their tenant, each for its own place', async () => {
    const { body } = await expectStatus(201, api('PUT', '/name:sealed', generic('hunter2')));
    await expectStatus(201, api('POST', '/name:sealed/versions', generic('hunter3')));
    const swap = `update secret_versions v set ciphertext = o.ciphertext from secret_versions o
      where v.secret_id = $1 and o.secret_id = $1 and v.number = 2 and o.number = 1`;
    await efms.database.sql(swap, [body.id]);
    // What was moved is not taken for the content that it is, and giving the content again mends it.
    const answer = await expectStatus(200, api('PUT', '/name:sealed', generic('hunter2'), ANY));
    expect(answer.body.version.number).toBe(3);
  });
});

function encrypted(key: string): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  return createPrivateKey(key).export(options).toString();
}
