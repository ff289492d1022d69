import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { type Principal, Principals } from '../../tenancy/index.js';

/** How often the credentials of open streams are looked at again. */
const RECHECK_MS = 1_000;

interface CredentialHolder {
  /** Where it acts; of a platform admin this may be a tenant that it visits. */
  readonly tenantId: string;
  /** @param principal undefined where the credential stands for nobody any more */
  renew(principal: Principal | undefined): void;
}

/**
 * Looks at the credentials of open streams each second, all of them at once and in the database, so that one that was revoked on any
 * replica ends its streams on every one; and so does a tenant that was closed.
 */
@Injectable()
export class StreamCredentials implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger(StreamCredentials.name);
  private readonly watched = new Map<CredentialHolder, string>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(@Inject(Principals) private readonly principals: Principals) {}

  onApplicationBootstrap(): void {
    this.timer = setTimeout(() => {
      this.looking = this.look().then(() => {
        if (!this.isStopped) this.onApplicationBootstrap();
      });
    }, RECHECK_MS).unref();
  }

  /** The phase before the one in which the database closes. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.looking;
  }

  /** @returns what ends it */
  watch(holder: CredentialHolder, credential: string): () => void {
    this.watched.set(holder, credential);
    return () => this.watched.delete(holder);
  }

  private async look(): Promise<void> {
    if (this.watched.size === 0) return;
    const watched = [...this.watched];
    try {
      const known = await this.principals.recheck([...new Set(watched.map(([, credential]) => credential))]);
      const open = await this.principals.openTenants(new Set(watched.map(([{ tenantId }]) => tenantId)));
      for (const [holder, credential] of watched) {
        holder.renew(open.has(holder.tenantId) ? known.get(credential) : undefined);
      }
    } catch (err) {
      // Nothing new is told while the database is away, so that the streams may wait for it.
      this.log.debug({ err }, 'credentials could not be looked at again');
    }
  }
}
