import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '../../common/config/config.js';
import { CONFIG } from '../../common/config/config.token.js';

/** Where rendered bootstraps tell proxies to connect: the port that the system chose, where the settings leave it to the system. */
@Injectable()
export class XdsAddress {
  private port: number;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.port = config.xds.publicAddress.port;
  }

  get public(): Config['xds']['publicAddress'] {
    return { host: this.config.xds.publicAddress.host, port: this.port };
  }

  /** To be told once the xDS server listens. */
  listensOn(port: number): void {
    if (this.port === 0) this.port = port;
  }
}
