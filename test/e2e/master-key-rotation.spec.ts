import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../kit/database.js';
import { type Efms, startEfms } from '../kit/efms.js';
import { expectStatus } from '../kit/fleet-of-one.js';
import { Teardown } from '../kit/teardown.js';

const BIN = fileURLToPath(new URL('../../bin/efms.mjs', import.meta.url));
const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const [OLD, NEW] = [keyOf(1), keyOf(2)];

/** What a replica or a command is given; the certificate of the internal CA shows that the CA's key opens. */
const under = (master: string, accepted?: string): Record<string, string> => ({
  EFMS_MASTER_KEY: master,
  EFMS_XDS_TLS: 'internal',
  ...(accepted === undefined ? {} : { EFMS_MASTER_KEYS_ACCEPTED: accepted }),
});

describe('the master key', () => {
  const teardown = new Teardown();
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => teardown.run());
  afterAll(() => database.drop());

  const start = async (env: Record<string, string>): Promise<Efms> => teardown.add(await startEfms({ database, env }));

  /** Seals and so opens with the key of the tenant. */
  const keepSecret = (efms: Efms, value: string) =>
    efms.api('POST', '/secrets/name:kept/versions', { genericSecret: { value } });

  async function rewrap(env: Record<string, string>): Promise<{ readonly code: number | null; readonly said: string }> {
    const child = spawn(process.execPath, [BIN, 'keys', 'rewrap'], {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: database.appUrl,
        DATABASE_SYSTEM_URL: database.systemUrl,
        EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
        ...env,
      },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { code, said };
  }

  it('is replaced while replicas run, by one that first accepts the old one and then does without', async () => {
    const before = await start(under(OLD));
    await expectStatus(201, before.api('PUT', '/secrets/name:kept', { genericSecret: { value: 'first' } }));

    const between = await start(under(NEW, OLD));
    await expectStatus(201, keepSecret(between, 'second'));
    const [missing, done, again] = [
      await rewrap(under(NEW)),
      await rewrap(under(NEW, OLD)),
      await rewrap(under(NEW, OLD)),
    ];
    expect(missing).toMatchObject({ code: 1, said: expect.stringContaining('put it into EFMS_MASTER_KEYS_ACCEPTED') });
    expect(done).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^1 data keys .*and the key of the internal CA/),
    });
    expect(again).toMatchObject({ code: 0, said: expect.stringMatching(/^0 data keys of tenants are under/) });

    const after = await start(under(NEW));
    await expectStatus(201, keepSecret(after, 'third'));
    await expectStatus(200, after.api('POST', '/secrets/name:kept/versions/1/activate'));
    expect(await rewrap(under(OLD))).toMatchObject({ code: 1 });
  });
});
