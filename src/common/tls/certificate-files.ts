import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import type { Clock } from '../clock/clock.js';
import type { TlsFiles } from '../config/config.js';
import { CertificateSource } from './certificate-source.js';
import { type CertificateTexts, checkCertificate, type ServerCertificate, TlsRefused } from './server-certificate.js';

/** Throws `TlsRefused` for a certificate that is whole but cannot serve what it is for. */
export type Requirement = (certificate: ServerCertificate) => void;

/** How long before its end an operator is told of a certificate that nobody replaced. */
const REMIND_BEFORE_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * The certificate in the operator's files. They are compared by content, so that it does not matter how they are replaced: in place,
 * by rename, or by the link above them, on any file system.
 */
export class CertificateFiles extends CertificateSource {
  private readonly log = new Logger(CertificateFiles.name);
  /** What was last warned of; said once, not every few seconds. */
  private warned: string | undefined;

  private constructor(
    private readonly files: TlsFiles,
    private readonly clock: Clock,
    private readonly requirement: Requirement,
    private texts: CertificateTexts,
    first: ServerCertificate,
  ) {
    super(first);
  }

  /**
   * @param requirement what a certificate must meet besides being valid, at start and whenever it is replaced
   * @throws TlsRefused
   */
  static async open(
    files: TlsFiles,
    clock: Clock,
    requirement: Requirement = () => undefined,
  ): Promise<CertificateFiles> {
    const texts = await read(files);
    const first = checkCertificate(texts, clock.now());
    requirement(first);
    const source = new CertificateFiles(files, clock, requirement, texts, first);
    await source.warnOfReaders();
    return source;
  }

  override async refresh(): Promise<void> {
    try {
      const texts = await read(this.files);
      if (!isEqual(texts, this.texts)) this.take(texts);
      this.warn(this.reminder());
    } catch (error) {
      // Files are replaced one after the other: what does not fit together now may a moment later.
      this.warn(`the TLS certificate in use stays: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private take(texts: CertificateTexts): void {
    const certificate = checkCertificate(texts, this.clock.now());
    this.requirement(certificate);
    if (certificate.authorities !== this.current.authorities) {
      this.log.warn('the TLS certificate has another CA now: bootstraps rendered before do not trust it');
    }
    this.texts = texts;
    this.replace(certificate);
    this.log.log('the TLS certificate was replaced');
  }

  private reminder(): string | undefined {
    const { validTo } = new X509Certificate(this.current.chain);
    if (Date.parse(validTo) - this.clock.now() > REMIND_BEFORE_MS) return undefined;
    return `the TLS certificate ends at ${validTo}: replace the files of EFMS_TLS_CERT and EFMS_TLS_KEY`;
  }

  private warn(message: string | undefined): void {
    if (message !== undefined && message !== this.warned) this.log.warn(message);
    this.warned = message;
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
