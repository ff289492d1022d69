import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../../common/config/config.js';
import { CONFIG } from '../../common/config/config.token.js';

/** An Envoy sends some 50 KB each time, so no more often than it is kept. */
const METRICS_EVERY = '60s';

/**
 * What rendered bootstraps tell proxies of EFMS: what to report, and where to connect, with the port that the system chose where the
 * settings leave it to the system.
 */
@Injectable()
export class XdsAddress {
  private port: number;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.port = config.xds.publicAddress.port;
  }

  get public(): Config['xds']['publicAddress'] {
    return { host: this.config.xds.publicAddress.host, port: this.port };
  }

  /** How often proxies tell how long requests took; undefined: they do not. */
  get metricsEvery(): string | undefined {
    return this.config.metrics.sink.isOn ? METRICS_EVERY : undefined;
  }

  /** To be told once the xDS server listens. */
  listensOn(port: number): void {
    if (this.port === 0) this.port = port;
  }
}
