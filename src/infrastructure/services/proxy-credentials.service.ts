import { createHash } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { isUuid, newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { newToken } from '../../common/crypto/tokens.js';
import { GatheredLookups } from '../../common/database/gathered-lookups.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { addToCredentialIndex, type CredentialEntry, type CredentialKind, lookupHash } from '../../tenancy/index.js';
import { bootstrapYaml, CERTIFICATE_FILES, startCommand } from '../bootstrap/render-bootstrap.js';
import { readClientCertificate } from '../client-certificate.js';
import { EnvoyProxy } from '../entities/envoy-proxy.entity.js';
import { type CredentialProof, ProxyCredential } from '../entities/proxy-credential.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { notFound } from './proxies.service.js';
import { type BootstrapOptions, ProxyBootstraps } from './proxy-bootstraps.js';
import { ProxyHeads } from './proxy-heads.js';
import { invalidAt } from './references.js';

/** What a credential says about who holds it. Whether it still counts is for the caller to see: revoked and expired ones are found too. */
export interface AuthenticatedProxy {
  readonly tenantId: string;
  readonly proxyId: string;
  readonly nodeId: string;
  readonly credentialId: string;
  readonly credentialEpoch: number;
  /** Of a certificate; a token has no beginning. */
  readonly notBefore: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface CredentialRequest {
  readonly name?: string;
  readonly expiresAt?: Date;
}

/** What a proxy is to prove itself with: a token unless a certificate is given. */
export interface NewCredentialRequest extends CredentialRequest {
  /** PEM. */
  readonly certificate?: string;
}

export interface NewCredential {
  readonly credential: ProxyCredential;
  /** The token itself, of which only its hash is kept; null for a certificate. */
  readonly token: string | null;
  /** Complete, as YAML. */
  readonly bootstrap: string;
  /** Starts Envoy with it. */
  readonly startCommand: string;
}

export interface IssuedCredential extends NewCredential {
  readonly token: string;
}

interface AuthenticatedRow {
  readonly lookup_hash: Buffer;
  readonly tenant_id: string;
  readonly proxy_id: string;
  readonly node_id: string;
  readonly id: string;
  readonly credential_epoch: string;
  readonly certificate_not_before: Date | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
}

const PREFIX = 'efmsp';
/** A prefix, and 256 bits in base64url. */
const TOKEN = /^efmsp_[A-Za-z0-9_-]{43}$/;

const CREDENTIAL_LIST: ListDefinition = {
  name: 'proxy-credentials',
  keys: { createdAt: { column: 'c.created_at', type: 'timestamptz' } },
  defaultSort: 'createdAt',
  id: { column: 'c.id', type: 'uuid', unique: true },
};

/** What proxies prove themselves with, and the bootstraps that carry it. */
@Injectable()
export class ProxyCredentials {
  private readonly tokens = this.lookups('proxy_token');
  private readonly certificates = this.lookups('proxy_certificate');

  constructor(
    private readonly database: Database,
    private readonly heads: ProxyHeads,
    private readonly clock: Clock,
    private readonly bootstraps: ProxyBootstraps,
  ) {}

  /**
   * Issues a token, or registers a certificate.
   * @throws ProblemError 404; 409 for a certificate that is somebody's, or without TLS; 422 for a time that is past or what is no certificate
   */
  async add(ctx: RequestContext, address: Address, request: NewCredentialRequest): Promise<NewCredential> {
    this.requireFuture(request.expiresAt);
    const { certificate: pem } = request;
    if (pem === undefined) {
      return this.database.tenant(ctx, async (tx) => this.issueIn(tx, await findShared(tx, address), request));
    }
    const certificate = readClientCertificate(pem, this.clock.now());
    this.bootstraps.requireTls();
    try {
      return await this.database.tenant(ctx, async (tx) => {
        const proxy = await findShared(tx, address);
        const hash = Buffer.from(certificate.fingerprintSha256, 'hex');
        const credential = await this.keep(tx, proxy, request, { certificate }, { kind: 'proxy_certificate', hash });
        const bootstrap = bootstrapYaml(this.bootstraps.render(proxy, CERTIFICATE_FILES));
        return { credential, token: null, bootstrap, startCommand: startCommand(proxy.drainStrategy) };
      });
    } catch (error) {
      if (!isUniqueViolation(error, 'credential_index_pkey')) throw error;
      // Whose it is would tell one tenant of another.
      const detail =
        'A certificate stands for one proxy, once; one that was revoked too. Make another one, with a key of its own.';
      throw infrastructureProblems.certificateTaken({ detail });
    }
  }

  /** Issues a token in the caller's transaction, for a proxy that nobody can change until it ends. */
  async issueIn(tx: Transaction, proxy: EnvoyProxy, request: CredentialRequest): Promise<IssuedCredential> {
    const token = newToken(PREFIX);
    const hash = lookupHash(token);
    const credential = await this.keep(tx, proxy, request, { tokenHash: hash }, { kind: 'proxy_token', hash });
    const bootstrap = bootstrapYaml(this.bootstraps.render(proxy, { token }));
    return { credential, token, bootstrap, startCommand: startCommand(proxy.drainStrategy) };
  }

  /**
   * Issues the successor of a credential, which itself goes on for the overlap and then ends; never later than it would have. Streams
   * that use it end then too. The successor has the name of the old one unless told, and no end of its own.
   * @param overlap in milliseconds; none ends the old one at once
   * @throws ProblemError 404; 409 where it has ended already, or is a certificate
   */
  async rotate(
    ctx: RequestContext,
    address: Address,
    credentialId: string,
    { overlap, name }: { readonly overlap: number; readonly name?: string | undefined },
  ): Promise<IssuedCredential> {
    return this.database.tenant(ctx, async (tx) => {
      const proxy = await findShared(tx, address);
      const old = await findCredential(tx, proxy, credentialId);
      const now = this.clock.now();
      if (old.revokedAt !== null || (old.expiresAt !== null && old.expiresAt.getTime() <= now)) {
        const how = old.revokedAt === null ? 'expired' : 'was revoked';
        throw infrastructureProblems.credentialEnded({ detail: `It ${how}; issue a new one instead.` });
      }
      if (old.kind === 'certificate') {
        const detail =
          'Register the next certificate as a credential of its own; both are good until one is revoked or ends.';
        throw infrastructureProblems.certificateNotRotated({ detail });
      }
      old.endBy(new Date(now + overlap));
      await tx.em.flush();
      const issued = await this.issueIn(tx, proxy, { name: name ?? old.name });
      await this.heads.bump(tx, ctx.tenantId, [proxy.id], 'credentialEpoch');
      return issued;
    });
  }

  /** All credentials of the proxy, revoked ones too, the oldest first unless told otherwise. @throws ProblemError 404 */
  async list(ctx: RequestContext, address: Address, query: ListQuery): Promise<Page<ProxyCredential>> {
    return this.database.tenant(ctx, async (tx) => {
      const { id: proxyId } = await findShared(tx, address);
      const page = new ListPage(CREDENTIAL_LIST, { tenantId: ctx.tenantId, query, filters: { proxyId } });
      const conditions = new Conditions();
      conditions.equal('c.proxy_id', proxyId);
      page.addTo(conditions);
      const rows = await tx.query<Placed>(
        `select c.*, ${page.placeColumn} from proxy_credentials c where ${conditions.sql} ${page.order}`,
        conditions.params,
      );
      return page.page(rows, (row) => tx.em.map(ProxyCredential, row));
    });
  }

  /** One credential, also when it is revoked. @throws ProblemError 404 */
  get(ctx: RequestContext, address: Address, credentialId: string): Promise<ProxyCredential> {
    return this.database.tenant(ctx, async (tx) => findCredential(tx, await findShared(tx, address), credentialId));
  }

  /**
   * Ends a credential for good; streams that use it end within a scan of the heads. Revoking it again changes nothing.
   * @throws ProblemError 404
   */
  async revoke(ctx: RequestContext, address: Address, credentialId: string, reason?: string): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const proxy = await findShared(tx, address);
      const credential = await findCredential(tx, proxy, credentialId);
      if (credential.revokedAt !== null) return;
      credential.revoke(new Date(this.clock.now()), reason ?? null);
      await tx.em.flush();
      await this.heads.bump(tx, ctx.tenantId, [proxy.id], 'credentialEpoch');
    });
  }

  /**
   * The bootstrap with a placeholder where the token goes, or with the files of a certificate.
   * @throws ProblemError 404; 409 for a certificate without TLS; 422 for files that no certificate is in
   */
  async bootstrap(
    ctx: RequestContext,
    address: Address,
    options: BootstrapOptions,
  ): Promise<Readonly<Record<string, unknown>>> {
    const proof = this.bootstraps.proofOf(options);
    const proxy = await this.database.tenant(ctx, (tx) => tx.em.findOne(EnvoyProxy, { ...address }));
    if (!proxy) throw notFound(address);
    return this.bootstraps.render(proxy, proof, options);
  }

  /** Credentials that wait to be looked up. */
  get lookupsWaiting(): number {
    return this.tokens.backlog + this.certificates.backlog;
  }

  /** The proxy that a token was issued to, in whatever tenant; undefined for a text that no token of ours ever was, or whose proxy is gone. */
  async authenticate(token: string): Promise<AuthenticatedProxy | undefined> {
    return TOKEN.test(token) ? this.tokens.get(lookupHash(token)) : undefined;
  }

  /** The proxy that a certificate was registered for, in whatever tenant. That the peer has its key was shown by TLS. @param der as it came */
  authenticateCertificate(der: Buffer): Promise<AuthenticatedProxy | undefined> {
    return this.certificates.get(createHash('sha256').update(der).digest());
  }

  private lookups(kind: CredentialKind): GatheredLookups<Buffer, AuthenticatedProxy | undefined> {
    return new GatheredLookups((hashes: readonly Buffer[]) => this.findAll(kind, hashes));
  }

  private async findAll(
    kind: CredentialKind,
    hashes: readonly Buffer[],
  ): Promise<readonly (AuthenticatedProxy | undefined)[]> {
    const rows = await this.database.systemReader().query<AuthenticatedRow>(
      `select i.lookup_hash, c.tenant_id, c.proxy_id, p.node_id, c.id, h.credential_epoch, c.certificate_not_before,
                c.expires_at, c.revoked_at
           from credential_index i
           join proxy_credentials c on (c.tenant_id, c.id) = (i.tenant_id, i.subject_id)
           join envoy_proxies p on (p.tenant_id, p.id) = (c.tenant_id, c.proxy_id)
           join proxy_heads h on (h.tenant_id, h.proxy_id) = (c.tenant_id, c.proxy_id)
           join tenants t on t.id = c.tenant_id
          where i.kind = $1 and i.lookup_hash = any($2::bytea[]) and t.is_active`,
      [kind, hashes],
      'kept',
    );
    const found = new Map(rows.map((row) => [row.lookup_hash.toString('base64'), toAuthenticated(row)]));
    return hashes.map((hash) => found.get(hash.toString('base64')));
  }

  /** Keeps a credential with that by which it is found, in the transaction that makes it. */
  private async keep(
    tx: Transaction,
    proxy: EnvoyProxy,
    request: CredentialRequest,
    proof: CredentialProof,
    found: Pick<CredentialEntry, 'kind' | 'hash'>,
  ): Promise<ProxyCredential> {
    const { tenantId } = proxy;
    const credential = new ProxyCredential({
      id: newId(),
      tenantId,
      proxyId: proxy.id,
      name: request.name ?? '',
      proof,
      expiresAt: request.expiresAt ?? null,
      createdAt: new Date(this.clock.now()),
    });
    await tx.em.persist(credential).flush();
    await addToCredentialIndex(tx, { ...found, tenantId, subjectId: credential.id });
    return credential;
  }

  private requireFuture(time: Date | undefined): void {
    if (!time || time.getTime() > this.clock.now()) return;
    throw invalidAt('/expiresAt', 'request.future', 'expiresAt must lie in the future');
  }
}

const toAuthenticated = (row: AuthenticatedRow): AuthenticatedProxy => ({
  tenantId: row.tenant_id,
  proxyId: row.proxy_id,
  nodeId: row.node_id,
  credentialId: row.id,
  credentialEpoch: Number(row.credential_epoch),
  notBefore: row.certificate_not_before,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});

/** Kept from changing until the transaction ends, so that what is rendered or revoked belongs to the proxy as it is. */
async function findShared(tx: Transaction, address: Address): Promise<EnvoyProxy> {
  const proxy = await tx.em.findOne(EnvoyProxy, { ...address }, { lockMode: LockMode.PESSIMISTIC_READ });
  if (!proxy) throw notFound(address);
  return proxy;
}

/** Locked, so that of two who revoke it at once only the first changes it. */
async function findCredential(tx: Transaction, proxy: EnvoyProxy, credentialId: string): Promise<ProxyCredential> {
  const credential = isUuid(credentialId)
    ? await tx.em.findOne(
        ProxyCredential,
        { id: credentialId, proxyId: proxy.id },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      )
    : null;
  if (!credential) throw infrastructureProblems.credentialNotFound();
  return credential;
}
