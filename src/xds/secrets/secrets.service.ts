import { Injectable } from '@nestjs/common';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Reader, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import { appendEvent } from '../../common/database/outbox.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { ListPage, type ListQuery } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { DescribedThings, type Kind, type Pending, ProxyHeads, type Replacement } from '../../infrastructure/index.js';
import { Doorbell } from '../assignments/doorbell.js';
import { checkedSecret } from '../dto/secret.dto.js';
import { xdsProblems } from '../xds.errors.js';
import type { SecretEvent } from '../xds.events.js';
import type { SecretContent } from './secret-contents.js';
import { Secret, type SecretDocument, type SecretRequest } from './secret.entity.js';
import { type SecretUse, SecretUses } from './secret-uses.js';
import { SecretVersions } from './secret-versions.js';
import {
  findSecretView,
  findVersionView,
  listSecretViews,
  listVersionViews,
  SECRET_LIST,
  SECRET_VERSION_LIST,
  type SecretFilter,
  type SecretVersionView,
  type SecretView,
} from './secret-views.js';

/** What is to be stored; with a content where that is to be a new version. */
interface PendingDocument extends SecretDocument {
  readonly content?: SecretContent;
}

const NAME_KEY = 'secrets_name_key';
/** Users of each kind that a refusal names. */
const MAX_NAMED = 20;
/** Users of each kind that are listed. */
const MAX_LISTED = 500;

/**
 * The secrets of a tenant. Contents go in and are never read out again, except to proxies. Whatever makes another version the current
 * one changes the heads of the tenant's proxies in the same transaction, so that each is given it without a new configuration.
 */
@Injectable()
export class Secrets extends DescribedThings<Secret, PendingDocument, SecretRequest, SecretView> {
  protected override readonly kind: Kind<Secret, PendingDocument> = {
    entity: Secret,
    nameField: 'name',
    nameKey: NAME_KEY,
    make: (identity, document) => new Secret(identity, document),
  };

  constructor(
    database: Database,
    private readonly versions: SecretVersions,
    private readonly uses: SecretUses,
    private readonly heads: ProxyHeads,
    private readonly doorbell: Doorbell,
  ) {
    super(database);
  }

  list(ctx: RequestContext, filter: SecretFilter, query: ListQuery): Promise<Page<SecretView>> {
    const page = new ListPage(SECRET_LIST, { tenantId: ctx.tenantId, query, filters: filter });
    return listSecretViews(this.database.reader(ctx), filter, page);
  }

  /**
   * Makes a new version that becomes the current one; content equal to the current one's makes none.
   * @throws ProblemError 404; 422 for content of another type
   */
  rotate(
    ctx: RequestContext,
    address: Address,
    content: SecretContent,
  ): Promise<{ readonly version: SecretVersionView; readonly created: boolean }> {
    return this.database.tenant(ctx, async (tx) => {
      const secret = await this.lock(tx, address);
      const document = await this.documentOf(tx, { request: { ...secret.toDocument(), content }, entity: secret });
      const created = document.content !== undefined;
      if (created) await this.makeCurrent(tx, ctx, { secret, document });
      return { version: await readVersion(tx, secret, document.currentVersion), created };
    });
  }

  /** Makes an older version the current one. @throws ProblemError 404 */
  activate(ctx: RequestContext, address: Address, number: number): Promise<SecretVersionView> {
    return this.database.tenant(ctx, async (tx) => {
      const secret = await this.lock(tx, address);
      const version = await readVersion(tx, secret, number);
      if (version.current) return version;
      await this.makeCurrent(tx, ctx, { secret, document: { ...secret.toDocument(), currentVersion: number } });
      return { ...version, current: true };
    });
  }

  /** Newest first unless told otherwise. @throws ProblemError 404 */
  listVersions(ctx: RequestContext, address: Address, query: ListQuery): Promise<Page<SecretVersionView>> {
    return this.database.tenant(ctx, async (tx) => {
      const { id } = await this.seen(tx, address);
      const page = new ListPage(SECRET_VERSION_LIST, { tenantId: ctx.tenantId, query, filters: { id } });
      return listVersionViews(tx, id, page);
    });
  }

  /** @throws ProblemError 404 */
  getVersion(ctx: RequestContext, address: Address, number: number): Promise<SecretVersionView> {
    return this.database.tenant(ctx, async (tx) => readVersion(tx, await this.seen(tx, address), number));
  }

  /** Who would miss it. @throws ProblemError 404 */
  usesOf(ctx: RequestContext, address: Address): Promise<readonly SecretUse[]> {
    return this.database.tenant(ctx, async (tx) => this.uses.of(tx, (await this.seen(tx, address)).name, MAX_LISTED));
  }

  protected override notFound(address: Address): Error {
    const called = 'id' in address ? `with the id ${address.id}` : `named "${address.name}"`;
    return xdsProblems.secretNotFound({ detail: `There is no secret ${called} in this tenant.` });
  }

  protected override find(reader: Reader, address: Address): Promise<SecretView | undefined> {
    return findSecretView(reader, address);
  }

  protected override async resolve(
    tx: Transaction,
    pending: readonly Pending<Secret, SecretRequest>[],
  ): Promise<PendingDocument[]> {
    const documents: PendingDocument[] = [];
    for (const one of pending) documents.push(await this.documentOf(tx, one));
    return documents;
  }

  private async documentOf(
    tx: Transaction,
    { request, entity: secret }: Pending<Secret, SecretRequest>,
  ): Promise<PendingDocument> {
    const { name, description, metadata, content } = request;
    if (!secret) {
      if (!content) throw new Error('a secret that is made has a content');
      return { name, type: content.type, description, metadata, currentVersion: 1, content };
    }
    const { type, currentVersion } = secret;
    if (name !== secret.name) throw invalid('/name', 'secret.name', RENAMED);
    const kept = { name, type, description, metadata, currentVersion };
    if (!content) return kept;
    if (content.type !== type) {
      throw invalid(`/${content.type}`, 'secret.type', `"${name}" is a ${type} and stays one; make another secret`);
    }
    if (await this.versions.hasContent(tx, secret, content)) return kept;
    return { ...kept, currentVersion: await this.versions.nextNumber(tx, secret.id), content };
  }

  protected override requestOf({ name, description, metadata }: PendingDocument): object {
    return { name, description, metadata };
  }

  protected override checked(candidate: unknown): Promise<SecretRequest> {
    return checkedSecret(candidate);
  }

  protected override explain(error: unknown): unknown {
    if (!isUniqueViolation(error, NAME_KEY)) return error;
    return xdsProblems.secretNameTaken({ detail: 'Choose another name, or PUT the secret of that name.' });
  }

  protected override async afterCreating(
    tx: Transaction,
    ctx: RequestContext,
    created: readonly Replacement<Secret, PendingDocument>[],
  ): Promise<void> {
    for (const { entity: secret, document } of created) {
      await this.addVersion(tx, ctx, { secret, document });
      await this.tell(tx, 'secret.created', secret);
    }
  }

  protected override async beforeReplacing(
    tx: Transaction,
    ctx: RequestContext,
    replacements: readonly Replacement<Secret, PendingDocument>[],
  ): Promise<void> {
    for (const { entity: secret, document } of replacements) {
      if (!document.content) continue;
      await this.addVersion(tx, ctx, { secret, document });
      await this.tell(tx, 'secret.rotated', { ...document, id: secret.id, tenantId: ctx.tenantId });
    }
  }

  /** Whoever starts to use it waits for the lock of its row, and then finds that it is gone. */
  protected override async beforeRemoving(tx: Transaction, secrets: readonly Secret[]): Promise<void> {
    for (const secret of secrets) await this.beforeRemovingOne(tx, secret);
  }

  private async beforeRemovingOne(tx: Transaction, secret: Secret): Promise<void> {
    const uses = await this.uses.of(tx, secret.name, MAX_NAMED);
    if (uses.length > 0) {
      throw xdsProblems.secretInUse({
        detail: `${uses.map(({ detail }) => detail).join('; ')}. Move them to other secrets first.`,
        extensions: { uses },
      });
    }
    await this.tell(tx, 'secret.deleted', secret);
  }

  private async seen(tx: Transaction, address: Address): Promise<SecretView> {
    const view = await this.find(tx, address);
    if (!view) throw this.notFound(address);
    return view;
  }

  private async makeCurrent(
    tx: Transaction,
    ctx: RequestContext,
    { secret, document }: { readonly secret: Secret; readonly document: PendingDocument },
  ): Promise<void> {
    if (document.content) await this.addVersion(tx, ctx, { secret, document });
    else await this.changeHeads(tx, ctx.tenantId);
    secret.replace(document);
    await tx.em.flush();
    await this.tell(tx, 'secret.rotated', secret);
  }

  private async addVersion(
    tx: Transaction,
    ctx: RequestContext,
    { secret, document }: { readonly secret: Secret; readonly document: PendingDocument },
  ): Promise<void> {
    const { content, currentVersion: number } = document;
    if (!content) throw new Error('a version has a content');
    await this.versions.insert(tx, ctx, { secret, number, content });
    await this.changeHeads(tx, ctx.tenantId);
  }

  private async changeHeads(tx: Transaction, tenantId: string): Promise<void> {
    await this.heads.bumpAll(tx, tenantId, 'secretsRev');
    tx.afterCommit(() => this.doorbell.ring());
  }

  private tell(
    tx: Transaction,
    type: SecretEvent['type'],
    {
      id,
      tenantId,
      name,
      type: secretType,
      currentVersion: version,
    }: Omit<SecretDocument, 'description' | 'metadata'> & { readonly id: string; readonly tenantId: string },
  ): Promise<void> {
    const event: SecretEvent = { type, payload: { name, secretType, version } };
    return appendEvent(tx, { tenantId, subjectId: id, ...event });
  }
}

const RENAMED = 'snapshots refer to a secret by its name, which therefore stays; make another secret';

async function readVersion(
  tx: Transaction,
  { id, name }: Pick<Secret, 'id' | 'name'>,
  number: number,
): Promise<SecretVersionView> {
  const version = await findVersionView(tx, id, number);
  if (version) return version;
  throw xdsProblems.secretVersionNotFound({ detail: `"${name}" has no version ${number}.` });
}

function invalid(pointer: string, rule: string, detail: string): Error {
  return problems.invalid({ detail, errors: [{ pointer, rule, detail, severity: 'error' }] });
}
