import { Injectable } from '@nestjs/common';
import { Tls } from '../../common/tls/tls.js';
import {
  type BootstrapRequest,
  CERTIFICATE_FILES,
  type CertificateFilePaths,
  renderBootstrap,
  TOKEN_PLACEHOLDER,
  type XdsProtocol,
} from '../bootstrap/render-bootstrap.js';
import type { EnvoyProxy } from '../entities/envoy-proxy.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { invalidAt } from './references.js';
import { XdsAddress } from './xds-address.js';

export interface BootstrapOptions extends Partial<CertificateFilePaths> {
  readonly protocol: XdsProtocol;
  readonly adminPort?: number;
  /** With what the proxy proves itself; files are told for a certificate only. */
  readonly credential: 'token' | 'certificate';
}

/** Renders bootstraps of proxies that come to this EFMS. */
@Injectable()
export class ProxyBootstraps {
  constructor(
    private readonly xdsAddress: XdsAddress,
    private readonly tls: Tls,
  ) {}

  /** @param proof as `proofOf` has it, or a token itself */
  render(
    proxy: EnvoyProxy,
    proof: BootstrapRequest['proof'],
    { protocol, adminPort }: Pick<BootstrapOptions, 'protocol' | 'adminPort'> = { protocol: 'delta' },
  ): Readonly<Record<string, unknown>> {
    const document = proxy.toDocument();
    return renderBootstrap({
      proxy: { ...document, adminPort: adminPort ?? document.adminPort },
      xds: this.xdsAddress.public,
      trustedCa: this.tls.proxiesTrust,
      protocol,
      proof,
      metricsEvery: this.xdsAddress.metricsEvery,
    });
  }

  /**
   * A placeholder where the token goes, or the files of a certificate.
   * @throws ProblemError 409 for a certificate without TLS; 422 for files where no certificate is wanted
   */
  proofOf({ credential, certificateFile, keyFile }: BootstrapOptions): BootstrapRequest['proof'] {
    if (credential === 'certificate') {
      this.requireTls();
      return {
        certificateFile: certificateFile ?? CERTIFICATE_FILES.certificateFile,
        keyFile: keyFile ?? CERTIFICATE_FILES.keyFile,
      };
    }
    if (certificateFile === undefined && keyFile === undefined) return { token: TOKEN_PLACEHOLDER };
    const told = certificateFile === undefined ? 'keyFile' : 'certificateFile';
    throw invalidAt(`/${told}`, 'request.without-certificate', `${told} is told with credential=certificate only`);
  }

  /** Over plaintext no peer shows a certificate. @throws ProblemError 409 */
  requireTls(): void {
    if (this.tls.proxiesTrust !== undefined) return;
    const detail =
      'Give the xDS port TLS (EFMS_XDS_TLS), or use tokens. Where something else ends TLS before EFMS, no certificate comes through.';
    throw infrastructureProblems.certificatesNeedTls({ detail });
  }
}
