import { status } from '@grpc/grpc-js';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { CredentialChecks } from '../assignments/credential-checks.js';
import { STATUS } from '../server/grpc-stream.js';
import { type ProxyIdentity, StreamAuthenticator } from '../server/ports.js';
import { SHUTTING_DOWN, StreamAdmission } from '../server/stream-admission.js';
import { type ReportCall, type Reporting, ReportStream, StreamOverflow } from './report-stream.js';
import { TrafficStats } from './traffic-stats.js';

/** How often credentials of open streams are looked at. */
const CHECK_MS = 30_000;
/** An Envoy has one, and two while it restarts hot; of either service. */
const STREAMS_PER_PROXY = 8;

/**
 * All streams on which proxies report to this process. They end with their credential, and UNAVAILABLE when the process ends, which sends
 * proxies to another replica.
 */
@Injectable()
export class ReportStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(ReportStreams.name);
  private readonly streams = new Set<ReportStream>();
  private readonly byProxy = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private isShuttingDown = false;

  constructor(
    private readonly authenticator: StreamAuthenticator,
    private readonly checks: CredentialChecks,
    private readonly stats: TrafficStats,
    private readonly admission: StreamAdmission,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  beforeApplicationShutdown(): void {
    this.isShuttingDown = true;
    clearTimeout(this.timer);
    this.admission.stop();
    for (const stream of [...this.streams]) stream.end(status.UNAVAILABLE, SHUTTING_DOWN);
  }

  /** The streams that are open now. */
  [Symbol.iterator](): Iterator<ReportStream> {
    return this.streams.values();
  }

  /** Takes a call over, or turns it away. It returns at once and never throws. */
  open(call: ReportCall, reporting: Reporting): void {
    const refusal = this.admission.refusal(this.streams.size);
    if (refusal) {
      reporting.end({ code: STATUS[refusal.reason], details: refusal.details });
      return;
    }
    const stream = new ReportStream(call, reporting, this.authenticator, (over) => this.leave(over));
    this.streams.add(stream);
    this.stats.openStreams = this.streams.size;
    void stream.open((identity) => this.admit(identity));
  }

  /** Ends the streams whose credentials are revoked or expired, or whose proxies or tenants are gone. */
  async checkCredentials(): Promise<void> {
    const open = [...this.streams].flatMap((stream) => (stream.identity ? [{ stream, ...stream.identity }] : []));
    if (open.length === 0) return;
    const verdicts = await this.checks.check(open);
    for (const { stream, credentialId } of open) {
      const verdict = verdicts.get(credentialId);
      if (verdict !== 'valid') stream.end(status.PERMISSION_DENIED, `the credential is ${verdict ?? 'gone'}`);
    }
  }

  private admit({ proxyId }: ProxyIdentity): void {
    const count = this.byProxy.get(proxyId) ?? 0;
    this.byProxy.set(proxyId, count + 1);
    if (count >= STREAMS_PER_PROXY) {
      throw new StreamOverflow(`more than ${STREAMS_PER_PROXY} streams of this proxy report at once`);
    }
  }

  private leave(stream: ReportStream): void {
    if (!this.streams.delete(stream)) return;
    this.stats.openStreams = this.streams.size;
    if (!stream.identity) return;
    const { proxyId } = stream.identity;
    const count = (this.byProxy.get(proxyId) ?? 0) - 1;
    if (count > 0) this.byProxy.set(proxyId, count);
    else this.byProxy.delete(proxyId);
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      void this.checkCredentials()
        .catch((err: unknown) => this.log.debug({ err }, 'credentials cannot be checked now'))
        .then(() => {
          if (!this.isShuttingDown) this.schedule();
        });
    }, CHECK_MS).unref();
  }
}
