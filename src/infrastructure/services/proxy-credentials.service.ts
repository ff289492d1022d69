import { LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock/clock.js';
import { isUuid, newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { newToken } from '../../common/crypto/tokens.js';
import { GatheredLookups } from '../../common/database/gathered-lookups.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { Tls } from '../../common/tls/tls.js';
import { addToCredentialIndex, lookupHash } from '../../tenancy/index.js';
import {
  bootstrapYaml,
  renderBootstrap,
  startCommand,
  TOKEN_PLACEHOLDER,
  type XdsProtocol,
} from '../bootstrap/render-bootstrap.js';
import { EnvoyProxy } from '../entities/envoy-proxy.entity.js';
import { ProxyCredential } from '../entities/proxy-credential.entity.js';
import { infrastructureProblems } from '../infrastructure.errors.js';
import { notFound } from './proxies.service.js';
import { ProxyHeads } from './proxy-heads.js';
import { XdsAddress } from './xds-address.js';

/** What a token says about who holds it. Whether it still counts is for the caller to see: revoked and expired ones are found too. */
export interface AuthenticatedProxy {
  readonly tenantId: string;
  readonly proxyId: string;
  readonly nodeId: string;
  readonly credentialId: string;
  readonly credentialEpoch: number;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface CredentialRequest {
  readonly name?: string;
  readonly expiresAt?: Date;
}

export interface IssuedCredential {
  readonly credential: ProxyCredential;
  /** The token itself; only its hash is kept. */
  readonly token: string;
  /** Complete, as YAML. */
  readonly bootstrap: string;
  /** Starts Envoy with it. */
  readonly startCommand: string;
}

export interface BootstrapOptions {
  readonly protocol: XdsProtocol;
  readonly adminPort?: number;
}

interface AuthenticatedRow {
  readonly lookup_hash: Buffer;
  readonly tenant_id: string;
  readonly proxy_id: string;
  readonly node_id: string;
  readonly id: string;
  readonly credential_epoch: string;
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
  private readonly lookups = new GatheredLookups((hashes: readonly Buffer[]) => this.findAll(hashes));

  constructor(
    private readonly database: Database,
    private readonly heads: ProxyHeads,
    private readonly clock: Clock,
    private readonly xdsAddress: XdsAddress,
    private readonly tls: Tls,
  ) {}

  /** @throws ProblemError 404, 422 for a time that is past */
  async issue(ctx: RequestContext, address: Address, request: CredentialRequest): Promise<IssuedCredential> {
    this.requireFuture(request.expiresAt);
    return this.database.tenant(ctx, async (tx) => this.issueIn(tx, ctx, await findShared(tx, address), request));
  }

  /** The same in the caller's transaction, for a proxy that nobody can change until it ends. */
  async issueIn(
    tx: Transaction,
    ctx: RequestContext,
    proxy: EnvoyProxy,
    request: CredentialRequest,
  ): Promise<IssuedCredential> {
    const token = newToken(PREFIX);
    const credential = new ProxyCredential({
      id: newId(),
      tenantId: ctx.tenantId,
      proxyId: proxy.id,
      name: request.name ?? '',
      tokenHash: lookupHash(token),
      expiresAt: request.expiresAt ?? null,
      createdAt: new Date(this.clock.now()),
    });
    await tx.em.persist(credential).flush();
    const { tenantId, id: subjectId, tokenHash: hash } = credential;
    await addToCredentialIndex(tx, { kind: 'proxy_token', hash, tenantId, subjectId });
    const bootstrap = bootstrapYaml(this.render(proxy, { protocol: 'delta' }, token));
    return { credential, token, bootstrap, startCommand: startCommand(proxy.drainStrategy) };
  }

  /**
   * Issues the successor of a credential, which itself goes on for the overlap and then ends; never later than it would have. Streams
   * that use it end then too. The successor has the name of the old one unless told, and no end of its own.
   * @param overlap in milliseconds; none ends the old one at once
   * @throws ProblemError 404; 409 where it has ended already
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
      old.endBy(new Date(now + overlap));
      await tx.em.flush();
      const issued = await this.issueIn(tx, ctx, proxy, { name: name ?? old.name });
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

  /** The bootstrap with a placeholder where the token goes. @throws ProblemError 404 */
  async bootstrap(
    ctx: RequestContext,
    address: Address,
    options: BootstrapOptions,
  ): Promise<Readonly<Record<string, unknown>>> {
    const proxy = await this.database.tenant(ctx, (tx) => tx.em.findOne(EnvoyProxy, { ...address }));
    if (!proxy) throw notFound(address);
    return this.render(proxy, options, TOKEN_PLACEHOLDER);
  }

  /** Tokens that wait to be looked up. */
  get lookupsWaiting(): number {
    return this.lookups.backlog;
  }

  /** The proxy that a token was issued to, in whatever tenant; undefined for a text that no token of ours ever was, or whose proxy is gone. */
  async authenticate(token: string): Promise<AuthenticatedProxy | undefined> {
    return TOKEN.test(token) ? this.lookups.get(lookupHash(token)) : undefined;
  }

  private async findAll(hashes: readonly Buffer[]): Promise<readonly (AuthenticatedProxy | undefined)[]> {
    const rows = await this.database.systemReader().query<AuthenticatedRow>(
      `select i.lookup_hash, c.tenant_id, c.proxy_id, p.node_id, c.id, h.credential_epoch, c.expires_at, c.revoked_at
           from credential_index i
           join proxy_credentials c on (c.tenant_id, c.id) = (i.tenant_id, i.subject_id)
           join envoy_proxies p on (p.tenant_id, p.id) = (c.tenant_id, c.proxy_id)
           join proxy_heads h on (h.tenant_id, h.proxy_id) = (c.tenant_id, c.proxy_id)
           join tenants t on t.id = c.tenant_id
          where i.kind = 'proxy_token' and i.lookup_hash = any($1::bytea[]) and t.is_active`,
      [hashes],
      'kept',
    );
    const found = new Map(rows.map((row) => [row.lookup_hash.toString('base64'), toAuthenticated(row)]));
    return hashes.map((hash) => found.get(hash.toString('base64')));
  }

  private render(proxy: EnvoyProxy, options: BootstrapOptions, token: string): Readonly<Record<string, unknown>> {
    const document = proxy.toDocument();
    return renderBootstrap({
      proxy: { ...document, adminPort: options.adminPort ?? document.adminPort },
      xds: this.xdsAddress.public,
      trustedCa: this.tls.proxiesTrust,
      protocol: options.protocol,
      token,
      metricsEvery: this.xdsAddress.metricsEvery,
    });
  }

  private requireFuture(time: Date | undefined): void {
    if (!time || time.getTime() > this.clock.now()) return;
    const detail = 'expiresAt must lie in the future';
    throw problems.invalid({
      detail,
      errors: [{ pointer: '/expiresAt', rule: 'request.future', detail, severity: 'error' }],
    });
  }
}

const toAuthenticated = (row: AuthenticatedRow): AuthenticatedProxy => ({
  tenantId: row.tenant_id,
  proxyId: row.proxy_id,
  nodeId: row.node_id,
  credentialId: row.id,
  credentialEpoch: Number(row.credential_epoch),
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
