import type { ServerCertificate } from './server-certificate.js';

/** A certificate that is replaced while it serves: new connections get the newest, open ones stay as they are. */
export abstract class CertificateSource {
  private readonly listeners: ((certificate: ServerCertificate) => void)[] = [];
  private newest: ServerCertificate;

  protected constructor(first: ServerCertificate) {
    this.newest = first;
  }

  get current(): ServerCertificate {
    return this.newest;
  }

  /** Calls back with every certificate that comes after the current one. */
  onChange(listener: (certificate: ServerCertificate) => void): void {
    this.listeners.push(listener);
  }

  /** Looks for a newer certificate now. What stands in its way is logged, and the current one stays. */
  abstract refresh(): Promise<void>;

  protected replace(certificate: ServerCertificate): void {
    this.newest = certificate;
    for (const listener of this.listeners) listener(certificate);
  }
}
