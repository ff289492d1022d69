import { X509Certificate } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Clock } from '../clock/clock.js';
import { CertificateSource } from './certificate-source.js';
import type { InternalCa } from './internal-ca.js';
import type { ServerCertificate } from './server-certificate.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Short, for nothing revokes it; long enough for a weekend on which renewing fails. */
const VALID_MS = 7 * DAY_MS;
const RENEW_BEFORE_MS = 4 * DAY_MS;

/** A certificate of the internal CA for this replica alone. Its key never leaves the memory of the process. */
export class IssuedCertificate extends CertificateSource {
  private readonly log = new Logger(IssuedCertificate.name);

  private constructor(
    private readonly ca: InternalCa,
    private readonly hosts: readonly string[],
    private readonly clock: Clock,
    first: ServerCertificate,
  ) {
    super(first);
  }

  /** @param hosts names and addresses that the port is reached by */
  static async open(ca: InternalCa, hosts: readonly string[], clock: Clock): Promise<IssuedCertificate> {
    return new IssuedCertificate(ca, hosts, clock, await issue(ca, hosts, clock));
  }

  /** Issues the next certificate once the current one has less than four of its seven days left. */
  override async refresh(): Promise<void> {
    const ends = Date.parse(new X509Certificate(this.current.chain).validTo);
    if (ends - this.clock.now() > RENEW_BEFORE_MS) return;
    try {
      this.replace(await issue(this.ca, this.hosts, this.clock));
      this.log.log('the certificate of the xDS port was renewed');
    } catch (error) {
      this.log.error({ err: error }, 'the certificate of the xDS port was not renewed');
    }
  }
}

const issue = (ca: InternalCa, hosts: readonly string[], clock: Clock): Promise<ServerCertificate> =>
  ca.issue({ hosts, now: clock.now(), validMs: VALID_MS });
