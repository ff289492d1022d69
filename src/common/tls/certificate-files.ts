import { readFile, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import type { Clock } from '../clock/clock.js';
import type { TlsFiles } from '../config/config.js';
import { CertificateSource } from './certificate-source.js';
import { type CertificateTexts, checkCertificate, type ServerCertificate, TlsRefused } from './server-certificate.js';

/**
 * The certificate in the operator's files. They are compared by content, so that it does not matter how they are replaced: in place,
 * by rename, or by the link above them, on any file system.
 */
export class CertificateFiles extends CertificateSource {
  private readonly log = new Logger(CertificateFiles.name);
  /** Why the files as they are now are not taken; told once. */
  private complaint: string | undefined;

  private constructor(
    private readonly files: TlsFiles,
    private readonly clock: Clock,
    private texts: CertificateTexts,
  ) {
    super(checkCertificate(texts, clock.now()));
  }

  /** @throws TlsRefused */
  static async open(files: TlsFiles, clock: Clock): Promise<CertificateFiles> {
    const source = new CertificateFiles(files, clock, await read(files));
    await source.warnOfReaders();
    return source;
  }

  override async refresh(): Promise<void> {
    try {
      const texts = await read(this.files);
      if (!isEqual(texts, this.texts)) {
        const certificate: ServerCertificate = checkCertificate(texts, this.clock.now());
        this.texts = texts;
        this.replace(certificate);
        this.log.log('the TLS certificate was replaced');
      }
      this.complaint = undefined;
    } catch (error) {
      // Files are replaced one after the other: what does not fit together now may a moment later.
      const message = error instanceof Error ? error.message : String(error);
      if (message !== this.complaint) this.log.warn(`the TLS certificate in use stays: ${message}`);
      this.complaint = message;
    }
  }

  private async warnOfReaders(): Promise<void> {
    const { mode } = await stat(this.files.key);
    if ((mode & 0o007) !== 0) this.log.warn('the file of EFMS_TLS_KEY is open to every user of the machine');
  }
}

async function read({ certificate, key, authority }: TlsFiles): Promise<CertificateTexts> {
  const texts = {
    certificate: await readSetting('EFMS_TLS_CERT', certificate),
    key: await readSetting('EFMS_TLS_KEY', key),
  };
  return authority === undefined ? texts : { ...texts, authority: await readSetting('EFMS_TLS_CA', authority) };
}

async function readSetting(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TlsRefused(`${setting}: the file cannot be read (${reason})`, { cause: error });
  }
}

const isEqual = (a: CertificateTexts, b: CertificateTexts): boolean =>
  a.certificate === b.certificate && a.key === b.key && a.authority === b.authority;
