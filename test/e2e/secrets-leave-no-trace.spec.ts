import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestCa } from '../kit/certificates.js';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { commit, edgeSnapshot, registerProxy, startDeployment } from '../kit/fleet.js';

const PASSWORD = 'planted-Passw0rd-of-an-upstream';
const NEXT = 'planted-N3xt-password-of-an-upstream';

describe('what secrets hold', () => {
  let efms: SpawnedEfms;
  /** Each content, or a telling part of it, in the forms in which bytes are printed. */
  const forms: string[] = [];
  const places: { name: string; text: string }[] = [];

  const plant = (marker: string | Buffer): void => {
    const bytes = Buffer.from(marker);
    // Base64 of a text that stands somewhere in another begins at one of three places.
    const shifted = [0, 1, 2].map((i) => bytes.subarray(i).toString('base64').slice(0, -4));
    forms.push(bytes.toString('hex'), ...shifted, ...(typeof marker === 'string' ? [marker] : []));
  };

  beforeAll(async () => {
    efms = await spawnEfms({ env: { EFMS_LOG_LEVEL: 'trace' } });
  }, 60_000);
  afterAll(() => efms.stop());

  /** Whatever the answer is, it is looked through. */
  const call = async (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<any> => {
    const answer = await efms.api(method, path, body, headers);
    places.push({ name: `${method} ${path}`, text: JSON.stringify(answer.body) });
    return answer;
  };

  const expectNoTrace = (): void => {
    const found = places.flatMap(({ name, text }) =>
      forms.filter((form) => text.includes(form)).map((form) => `${form} in ${name}`),
    );
    expect(found).toEqual([]);
  };

  it('is in no answer, taken or refused', async () => {
    const { certificate, key } = await (await TestCa.create()).issue(['a.example'], [-1, 100]);
    const tickets = randomBytes(80);
    for (const line of key.split('\n').filter((text) => text.length > 40)) plant(line);
    for (const marker of [PASSWORD, NEXT, tickets]) plant(marker);

    await expectStatus(
      201,
      call('PUT', '/secrets/name:cert', { tlsCertificate: { certificateChain: certificate, privateKey: key } }),
    );
    const keyed = { 'idempotency-key': 'once' };
    const password = { name: 'password', genericSecret: { value: PASSWORD } };
    await expectStatus(201, call('POST', '/secrets', password, keyed));
    await expectStatus(201, call('POST', '/secrets', password, keyed));
    await expectStatus(409, call('POST', '/secrets', password));
    const sessionTicketKeys = { keys: [tickets.toString('base64')] };
    await expectStatus(201, call('PUT', '/secrets/name:tickets', { sessionTicketKeys }));
    await expectStatus(201, call('POST', '/secrets/name:password/versions', { genericSecret: { value: NEXT } }));
    await expectStatus(
      422,
      call('POST', '/secrets', { name: PASSWORD.slice(0, 5), genericSecret: { value: PASSWORD, base64: 'x' } }),
    );
    await expectStatus(
      422,
      call('PUT', '/secrets/name:bad', { tlsCertificate: { certificateChain: key, privateKey: certificate + key } }),
    );
    await expectStatus(
      422,
      call('PUT', '/secrets/name:bad', { tlsCertificate: { certificateChain: certificate, privateKey: [key] } }),
    );
    await expectStatus(
      422,
      call(
        'PUT',
        '/secrets/name:tickets',
        { sessionTicketKeys: { keys: [`${sessionTicketKeys.keys[0]}AAAA`] } },
        { 'if-match': '*' },
      ),
    );
    const json = { 'content-type': 'application/json' };
    await expectStatus(400, call('POST', '/secrets', `{"genericSecret": {"value": "${PASSWORD}" "${NEXT}"}}`, json));
    await expectStatus(400, call('POST', '/secrets', `value: "${PASSWORD}\n${NEXT}: [`));
    await expectStatus(400, call('PATCH', '/secrets/name:password', `value: ${PASSWORD}: ${NEXT}`));
    for (const path of ['', '/name:cert', '/name:password', '/name:password/versions', '/name:password/uses']) {
      await expectStatus(200, call('GET', `/secrets${path}`));
    }
    expectNoTrace();
  });

  it('is in no snapshot, version, diff, or answer about a proxy that is given it', async () => {
    await registerProxy(efms, 'edge');
    await efms.api('POST', '/configurations', { name: 'edge' });
    const secrets = ['cert', 'password', 'tickets'].map((name) => ({ name }));
    const snapshot = { ...edgeSnapshot(), secrets };
    await commit(efms, 'edge', null, snapshot);
    const inline = [{ name: 'cert', generic_secret: { secret: { inline_string: PASSWORD } } }];
    const version = { branch: 'main', expectedHead: 1, message: '', snapshot: { ...snapshot, secrets: inline } };
    await expectStatus(422, call('POST', '/configurations/name:edge/versions', version));
    await startDeployment(efms, 'edge', 1, ['edge']);
    const edge = '/configurations/name:edge/versions/1';
    for (const path of [`${edge}?include=snapshot`, `${edge}/diff`, '/proxies/name:edge/sync', '/audit-logs']) {
      await expectStatus(200, call('GET', path));
    }
    expectNoTrace();
  });

  it('is in no table: neither plainly nor in any form that could be read back', async () => {
    const tables = await efms.database.sql<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    expect(tables.map(({ name }) => name)).toContain('public.secret_versions');
    for (const { name } of tables) {
      const rows = await efms.database.sql<{ text: string }>(`select t::text as text from ${name} t`);
      places.push({ name, text: rows.map(({ text }) => text).join('\n') });
    }
    expectNoTrace();
    const sealed = places.find(({ name }) => name === 'public.secret_versions');
    expect(sealed?.text.match(/v1\.[\w-]+\.[\w-]+\.[\w-]+/g)).toHaveLength(4);
  });

  it('is in no metric and no line of the log', async () => {
    places.push({ name: 'metrics', text: await (await fetch(`${efms.http}/metrics`)).text() });
    await efms.terminate();
    expect(efms.output()).toContain('EFMS is ready');
    places.push({ name: 'log', text: efms.output() });
    expectNoTrace();
  });
});
