import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { MasterKey } from '../../../src/common/crypto/sealing.js';
import type { Database } from '../../../src/common/database/database.js';
import { InternalCa } from '../../../src/common/tls/internal-ca.js';
import { TlsRefused } from '../../../src/common/tls/server-certificate.js';
import { createTestDatabase, type TestDatabase } from '../../kit/database.js';

const MASTER: MasterKey = { id: 'master-test', key: Buffer.alloc(32, 9), accepted: [] };
const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.parse('2030-01-01T00:00:00Z');

describe('the internal CA', () => {
  let test: TestDatabase;
  let replicas: Database[];
  beforeAll(async () => {
    test = await createTestDatabase();
    replicas = [await test.open(), await test.open(), await test.open()];
  });
  afterEach(() => test.sql('delete from ca_keys'));
  afterAll(() => test.drop());

  const open = (now = NOW, master = MASTER): Promise<InternalCa> => InternalCa.open(replicas[0]!, master, now);

  it('is the same on replicas that start at once, and after a restart', async () => {
    const opened = await Promise.all(replicas.map((replica) => InternalCa.open(replica, MASTER, NOW)));
    opened.push(await open());

    expect(new Set(opened.map((ca) => ca.certificatePem)).size).toBe(1);
    const issued = await Promise.all(
      opened.map((ca) => ca.issue({ hosts: ['efms.example'], now: NOW, validMs: DAY_MS })),
    );
    const authority = new X509Certificate(opened[0]!.certificatePem);
    expect(issued.map(({ chain }) => new X509Certificate(chain).verify(authority.publicKey))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it('may sign servers and nothing below them', async () => {
    const authority = new X509Certificate((await open()).certificatePem);

    expect(authority.ca).toBe(true);
    expect(authority.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
    expect(authority.subject).toMatch(/^CN=EFMS internal CA [0-9a-f]{8}$/);
    expect(Date.parse(authority.validTo) - NOW).toBe(3_650 * DAY_MS);
  });

  it('issues certificates for the names and addresses of a server, each with a key of its own', async () => {
    const ca = await open();
    const request = { hosts: ['efms.example', '10.0.0.1', '2001:db8::1'], now: NOW, validMs: 7 * DAY_MS };

    const [one, two] = [await ca.issue(request), await ca.issue(request)];

    const certificate = new X509Certificate(one.chain);
    expect(certificate.subjectAltName).toBe('DNS:efms.example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(Date.parse(certificate.validFrom)).toBe(NOW - 60 * 60 * 1000);
    expect(Date.parse(certificate.validTo)).toBe(NOW + 7 * DAY_MS);
    expect(two.key).not.toBe(one.key);
    expect(new X509Certificate(two.chain).serialNumber).not.toBe(certificate.serialNumber);
  });

  it('issues nothing that outlives it', async () => {
    const ca = await open();
    const late = NOW + 3_649 * DAY_MS;
    const { chain } = await ca.issue({ hosts: ['efms.example'], now: late, validMs: 7 * DAY_MS });
    expect(Date.parse(new X509Certificate(chain).validTo)).toBe(NOW + 3_650 * DAY_MS);
  });

  it('keeps its key sealed, and out of reach of the role that serves tenants', async () => {
    await open();

    const [row] = await test.sql<{ ciphertext: string; master_key_id: string }>('select * from ca_keys');

    expect(JSON.stringify(row)).not.toContain('PRIVATE KEY');
    expect(row).toMatchObject({ ciphertext: expect.stringMatching(/^v1\./), master_key_id: MASTER.id });
    await expect(test.sql('select certificate from ca_keys', [], 'efms_app')).rejects.toThrow('permission denied');
    await expect(test.sql('update ca_keys set certificate = certificate', [], 'efms_system')).rejects.toThrow(
      'permission denied',
    );
  });

  it('does not open with another master key', async () => {
    await open();
    const other = { id: 'master-other', key: Buffer.alloc(32, 8), accepted: [] };
    await expect(open(NOW, other)).rejects.toMatchObject({
      name: 'TlsRefused',
      message: 'the internal CA was sealed under another EFMS_MASTER_KEY: give the one it was made with',
    });
  });

  it('says that it has expired', async () => {
    await open();
    await expect(open(NOW + 3_651 * DAY_MS)).rejects.toThrow(new TlsRefused('the internal CA expired on 2039-12-30'));
  });
});
