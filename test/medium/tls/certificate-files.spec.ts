import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SystemClock } from '../../../src/common/clock/clock.js';
import { CertificateFiles } from '../../../src/common/tls/certificate-files.js';
import { isCertificateFor, type ServerCertificate, TlsRefused } from '../../../src/common/tls/server-certificate.js';
import { type KeyPairFiles, TestCa } from '../../kit/certificates.js';

Logger.overrideLogger(false);

describe('certificate files', () => {
  let folder: string;
  let ca: TestCa;
  let first: KeyPairFiles;
  let second: KeyPairFiles;

  beforeAll(async () => {
    ca = await TestCa.create();
    first = await ca.issue(['efms.example', '*.edge.example', '10.0.0.1']);
    second = await ca.issue(['efms.example']);
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'efms-tls-'));
    write('cert.pem', first.certificate);
    write('key.pem', first.key);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (name: string): string => path.join(folder, name);
  const write = (name: string, text: string): void => writeFileSync(file(name), text, { mode: 0o600 });
  const files = () => ({ certificate: file('cert.pem'), key: file('key.pem') });
  const open = (more: { authority?: string } = {}): Promise<CertificateFiles> =>
    CertificateFiles.open({ ...files(), ...more }, new SystemClock());

  it('are served as they are', async () => {
    const { current } = await open();
    expect(current).toEqual({ chain: first.certificate, key: first.key });
  });

  it.each([
    ['efms.example', true],
    ['a.edge.example', true],
    ['10.0.0.1', true],
    ['example', false],
    ['10.0.0.2', false],
  ])('say whether they are for %s', async (host, expected) => {
    expect(isCertificateFor((await open()).current, host)).toBe(expected);
  });

  it('bring the CAs of their chain along, or name them', async () => {
    write('ca.pem', ca.pem);
    expect((await open({ authority: file('ca.pem') })).current.authorities).toBe(ca.pem);
    write('cert.pem', `bag attributes\n${first.certificate}\n${ca.pem}`);
    expect((await open()).current.authorities).toBe(ca.pem);
  });

  describe('refuse', () => {
    const refusal = async (more: { authority?: string } = {}): Promise<string> => {
      const error: unknown = await open(more).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TlsRefused);
      const { message } = error as TlsRefused;
      expect(message).not.toMatch(/\n|PRIVATE/);
      return message;
    };

    it('a file that is not there', async () => {
      rmSync(file('key.pem'));
      expect(await refusal()).toMatch(/^EFMS_TLS_KEY: the file cannot be read \(.*ENOENT/);
    });

    it('a certificate that has expired', async () => {
      const expired = await ca.issue(['efms.example'], [-10, -2]);
      write('cert.pem', expired.certificate);
      write('key.pem', expired.key);
      expect(await refusal()).toMatch(/^EFMS_TLS_CERT: the certificate expired on \d{4}-\d\d-\d\d$/);
    });

    it('a certificate of the future', async () => {
      const early = await ca.issue(['efms.example'], [2, 10]);
      write('cert.pem', early.certificate);
      write('key.pem', early.key);
      expect(await refusal()).toMatch(/^EFMS_TLS_CERT: the certificate is not valid before \d{4}-\d\d-\d\d$/);
    });

    it('a key of another certificate', async () => {
      write('key.pem', second.key);
      expect(await refusal()).toBe('EFMS_TLS_KEY: the key does not belong to the first certificate of EFMS_TLS_CERT');
    });

    it('what is no certificate', async () => {
      write('cert.pem', 'hello');
      expect(await refusal()).toBe('EFMS_TLS_CERT: the file holds no PEM certificate');
      write('cert.pem', first.certificate.replace('MII', 'AAA'));
      expect(await refusal()).toBe('EFMS_TLS_CERT: the file holds a PEM certificate that cannot be read');
    });

    it('what is no key', async () => {
      write('key.pem', first.certificate);
      expect(await refusal()).toBe('EFMS_TLS_KEY: the file holds no PEM private key, or an encrypted one');
    });

    it('CAs that the chain does not lead to', async () => {
      write('ca.pem', (await TestCa.create('CN=Other CA')).pem);
      expect(await refusal({ authority: file('ca.pem') })).toBe(
        'EFMS_TLS_CA: none of its certificates issued the chain in EFMS_TLS_CERT',
      );
    });
  });

  describe('that are replaced', () => {
    const watched = async (): Promise<{ source: CertificateFiles; seen: ServerCertificate[] }> => {
      const source = await open();
      const seen: ServerCertificate[] = [];
      source.onChange((certificate) => seen.push(certificate));
      return { source, seen };
    };

    it('are taken once both fit together, and once only', async () => {
      const { source, seen } = await watched();

      write('cert.pem', second.certificate);
      await source.refresh();
      expect(seen).toEqual([]);
      expect(source.current.chain).toBe(first.certificate);

      write('key.pem', second.key);
      await source.refresh();
      await source.refresh();
      expect(seen).toEqual([{ chain: second.certificate, key: second.key }]);
      expect(source.current).toBe(seen[0]);
    });

    it('are not taken where they miss what they are for', async () => {
      const source = await CertificateFiles.open(files(), new SystemClock(), (certificate) => {
        if (!isCertificateFor(certificate, '10.0.0.1')) throw new TlsRefused('not for 10.0.0.1');
      });
      write('cert.pem', second.certificate);
      write('key.pem', second.key);

      await source.refresh();

      expect(source.current.chain).toBe(first.certificate);
      await expect(
        CertificateFiles.open(files(), new SystemClock(), () => {
          throw new TlsRefused('never');
        }),
      ).rejects.toThrow('never');
    });

    it('too late are asked for, once', async () => {
      const short = await ca.issue(['efms.example'], [-1, 3]);
      write('cert.pem', short.certificate);
      write('key.pem', short.key);
      const source = await open();
      const warnings: unknown[] = [];
      Logger.overrideLogger({ log: () => undefined, error: () => undefined, warn: (text) => warnings.push(text) });
      try {
        await source.refresh();
        await source.refresh();
      } finally {
        Logger.overrideLogger(false);
      }
      expect(warnings).toEqual([expect.stringMatching(/^the TLS certificate ends at .*: replace the files/)]);
    });

    it('are found behind a link that was turned', async () => {
      for (const [name, text] of Object.entries({ 'a.cert': first.certificate, 'b.cert': second.certificate }))
        write(name, text);
      rmSync(file('cert.pem'));
      symlinkSync(file('a.cert'), file('cert.pem'));
      const { source, seen } = await watched();

      symlinkSync(file('b.cert'), file('new'));
      renameSync(file('new'), file('cert.pem'));
      write('key.pem', second.key);
      await source.refresh();

      expect(seen).toHaveLength(1);
    });

    it.each([
      ['an expired one', async () => ca.issue(['efms.example'], [-10, -2])],
      ['a broken one', () => Promise.resolve({ certificate: '', key: '' })],
    ])('by %s leave the old one in place', async (_, make) => {
      const { source, seen } = await watched();
      const { certificate, key } = await make();
      write('cert.pem', certificate);
      write('key.pem', key);

      await source.refresh();

      expect(seen).toEqual([]);
      expect(source.current.chain).toBe(first.certificate);
    });
  });
});
