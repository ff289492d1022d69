import { isIP } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../clock/clock.js';
import type { Config } from '../config/config.js';
import type { MasterKey } from '../crypto/sealing.js';
import type { Database } from '../database/database.js';
import { CertificateFiles } from './certificate-files.js';
import type { CertificateSource } from './certificate-source.js';
import { InternalCa } from './internal-ca.js';
import { IssuedCertificate } from './issued-certificate.js';
import { isCertificateFor, type ServerCertificate, TlsRefused } from './server-certificate.js';

/** How soon replaced files are noticed without a signal. */
const REFRESH_INTERVAL_MS = 5_000;

interface TlsSettings {
  readonly config: Pick<Config, 'tlsFiles' | 'xds'>;
  readonly masterKey: MasterKey;
  readonly database: Database;
  readonly clock: Clock;
}

/** The certificates of both ports, kept fresh until the process ends. A port without one speaks plaintext. */
@Injectable()
export class Tls implements OnApplicationShutdown {
  private readonly timer: NodeJS.Timeout;

  private constructor(
    readonly http: CertificateSource | undefined,
    readonly xds: CertificateSource | undefined,
  ) {
    this.timer = setInterval(() => void this.refresh(), REFRESH_INTERVAL_MS).unref();
  }

  /** @throws TlsRefused */
  static async open({ config, masterKey, database, clock }: TlsSettings): Promise<Tls> {
    const { tlsFiles, xds } = config;
    const fitForProxies = (certificate: ServerCertificate): void =>
      requireFitForProxies(certificate, xds.publicAddress.host);
    const files =
      tlsFiles && (await CertificateFiles.open(tlsFiles, clock, xds.tls === 'files' ? fitForProxies : undefined));
    if (xds.tls === 'off') return new Tls(files, undefined);
    if (xds.tls === 'files' && files) return new Tls(files, files);
    const ca = await InternalCa.open(database, masterKey, clock.now());
    return new Tls(files, await IssuedCertificate.open(ca, hostsOf(xds), clock));
  }

  /** PEM: what a proxy is to trust the xDS port by; absent where that speaks plaintext. */
  get proxiesTrust(): string | undefined {
    return this.xds?.current.authorities;
  }

  /** Looks at once for what else is looked for every few seconds. */
  async refresh(): Promise<void> {
    for (const source of new Set([this.http, this.xds])) await source?.refresh();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}

/** Where proxies are told to connect, and where the port listens; behind a wildcard address that is at least this machine. */
function hostsOf({ host, publicAddress }: Pick<Config['xds'], 'host' | 'publicAddress'>): string[] {
  const local = ['localhost', '127.0.0.1', '::1'];
  const listening = host === '0.0.0.0' || host === '::' || local.includes(host) ? local : [host];
  return [...new Set([publicAddress.host, ...listening].map(withoutZone))];
}

/** `fe80::1` of `fe80::1%eth0`: the zone means something on one machine only and stands in no certificate. */
const withoutZone = (host: string): string => (isIP(host) === 6 ? host.replace(/%.*$/, '') : host);

/** What proxies could not connect with is refused here, not found out by each of them. */
function requireFitForProxies(certificate: ServerCertificate, host: string): void {
  if (!isCertificateFor(certificate, host)) {
    throw new TlsRefused(
      `EFMS_TLS_CERT: the certificate is not for ${host}, where proxies connect (EFMS_XDS_PUBLIC_ADDRESS); EFMS_XDS_TLS=internal does without it`,
    );
  }
  if (certificate.authorities === undefined) {
    throw new TlsRefused(
      'EFMS_TLS_CERT: the file holds no CA for proxies to trust: name it in EFMS_TLS_CA, or set EFMS_XDS_TLS=internal',
    );
  }
}
