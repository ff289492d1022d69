import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import type { Finding } from '../../common/errors/finding.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { ProxyCredentials } from '../../infrastructure/index.js';
import { AssignedSnapshots } from '../assignments/assigned-snapshots.js';
import { EnvoyApi, type JsonObject } from '../envoy-api/index.js';
import { overlayBootstrap } from './overlay-bootstrap.js';

interface OverlayRequest {
  /** The bootstrap as it was sent. */
  readonly given: unknown;
  readonly options: Parameters<ProxyCredentials['bootstrap']>[2];
}

interface LaidOver {
  readonly bootstrap: JsonObject;
  readonly warnings: readonly Finding[];
}

/**
 * Lays EFMS over bootstraps that people have, so that their static resources go on beside what EFMS delivers. A given bootstrap may hold
 * private keys: nothing of it is stored, logged or audited. What is deployed later is therefore not compared with it.
 */
@Injectable()
export class BootstrapOverlays {
  constructor(
    private readonly credentials: ProxyCredentials,
    private readonly assigned: AssignedSnapshots,
    private readonly api: EnvoyApi,
  ) {}

  /** @throws ProblemError 404; 422 with what is wrong with the bootstrap, or clashes with what the proxy is assigned now */
  async overlay(ctx: RequestContext, address: Address, { given, options }: OverlayRequest): Promise<LaidOver> {
    const rendered = await this.credentials.bootstrap(ctx, address, options);
    const assigned = await this.assigned.of(ctx, address);
    const { findings, bootstrap, pointerTo } = this.api.readBootstrap(given, assigned);
    if (!bootstrap) throw refusal(findings);
    const overlay = overlayBootstrap({ bootstrap, pointerTo }, rendered);
    if (overlay.findings.length > 0) throw refusal(overlay.findings);
    return { bootstrap: overlay.bootstrap, warnings: findings };
  }
}

function refusal(errors: readonly Finding[]): Error {
  const detail = 'EFMS cannot be laid over this bootstrap; mend what is listed and send it again.';
  return problems.invalid({ detail, errors });
}
