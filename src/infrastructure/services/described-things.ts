import { isDeepStrictEqual } from 'node:util';
import { type EntityClass, type FilterQuery, LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Reader, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { requireMatch } from '../../common/http/etag.js';
import { mergePatch } from '../../common/http/merge-patch.js';

/** A row that people describe as a whole. `replace` takes what `toDocument` gives. */
export interface DescribedEntity<Document> {
  readonly id: string;
  readonly revision: number;
  replace(document: Document): void;
  toDocument(): Document;
}

export interface Identity {
  readonly id: string;
  readonly tenantId: string;
}

export interface Written<View> {
  readonly view: View;
  readonly created: boolean;
}

/** What one kind of thing has of its own. */
export interface Kind<Entity, Document> {
  readonly entity: EntityClass<Entity>;
  /** The field of the document that `name:` addresses, also its property in the entity. */
  readonly nameField: keyof Document & string;
  /** The constraint that keeps names unique. */
  readonly nameKey: string;
  make(identity: Identity, document: Document): Entity;
}

/**
 * How things that people describe are created, replaced, patched and removed, the same for every kind (API.md "Addressing" and "Writes").
 * A `Request` is a description as it is sent, other things in it named by addresses; a `Document` is the same with their ids.
 */
@Injectable()
export abstract class DescribedThings<
  Entity extends DescribedEntity<Document>,
  Document extends object,
  Request extends object,
  View,
> {
  protected abstract readonly kind: Kind<Entity, Document>;

  constructor(protected readonly database: Database) {}

  /** @throws ProblemError 409 where something that must be unique is another's, 422 for references that lead nowhere */
  create(ctx: RequestContext, request: Request): Promise<View> {
    return this.explained(request, () =>
      this.database.tenant(ctx, async (tx) => {
        await this.beforeWriting(tx, ctx);
        return this.insert(tx, ctx, request);
      }),
    );
  }

  /**
   * Creates the thing or makes it what is given. Equal content changes nothing and needs no `If-Match`; a change needs it (428, 412).
   * A name can be created; an id cannot (404). Two that create one name at once both succeed as if one came after the other.
   * @param requestFor the description, once the name is known
   */
  async put(
    ctx: RequestContext,
    address: Address,
    requestFor: (name: string) => Request,
    ifMatch: string | undefined,
  ): Promise<Written<View>> {
    const attempt = (): Promise<Written<View>> =>
      this.database.tenant(ctx, async (tx) => {
        await this.beforeWriting(tx, ctx);
        const entity = await this.lock(tx, address);
        if (entity) {
          const request = requestFor(String(entity.toDocument()[this.kind.nameField]));
          return { created: false, view: await this.replace(tx, ctx, { entity, request, ifMatch }) };
        }
        if (!('name' in address)) throw this.notFound(address);
        refuseVanished(ifMatch);
        return { created: true, view: await this.insert(tx, ctx, requestFor(address.name)) };
      });
    return this.explained(requestFor(''), async () => {
      try {
        return await attempt();
      } catch (error) {
        if (!isUniqueViolation(error, this.kind.nameKey)) throw error;
        return attempt();
      }
    });
  }

  /** Applies a merge patch (RFC 7396); the result must be a valid description. @throws ProblemError 404, 409, 412, 422, 428 */
  patch(ctx: RequestContext, address: Address, patch: object, ifMatch: string | undefined): Promise<View> {
    return this.explained(patch, () =>
      this.database.tenant(ctx, async (tx) => {
        await this.beforeWriting(tx, ctx);
        const entity = await this.lock(tx, address);
        if (!entity) throw this.notFound(address);
        requireMatch(ifMatch, entity.revision);
        const request = await this.checked(mergePatch(withoutNulls(this.requestOf(entity.toDocument())), patch));
        return this.replace(tx, ctx, { entity, request, ifMatch: '*' });
      }),
    );
  }

  /** @throws ProblemError 404, also for a thing of another tenant */
  async get(ctx: RequestContext, address: Address): Promise<View> {
    const view = await this.find(this.database.reader(ctx), address);
    if (!view) throw this.notFound(address);
    return view;
  }

  /** @throws ProblemError 404, 409 while something needs it, 412, 428 */
  async remove(ctx: RequestContext, address: Address, ifMatch: string | undefined): Promise<void> {
    await this.explained({}, () =>
      this.database.tenant(ctx, async (tx) => {
        await this.beforeWriting(tx, ctx);
        const entity = await this.lock(tx, address);
        if (!entity) throw this.notFound(address);
        requireMatch(ifMatch, entity.revision);
        await this.beforeRemoving(tx, entity);
        await tx.em.remove(entity).flush();
      }),
    );
  }

  protected abstract notFound(address: Address): Error;
  /** The thing as the API shows it. */
  protected abstract find(reader: Reader, address: Address): Promise<View | undefined>;
  /** Finds what the request names. `entity` is absent while the thing is being made. @throws ProblemError 422 */
  protected abstract resolve(tx: Transaction, request: Request, entity?: Entity): Promise<Document>;
  /** The inverse of `resolve`, for a patch to be merged into; unset fields may be null. */
  protected abstract requestOf(document: Document): object;
  /** Checks a description that was put together here, by the rules for those that come over HTTP. @throws ProblemError 422 */
  protected abstract checked(candidate: unknown): Promise<Request>;
  /** The problem that a refusal of the database stands for; anything else is handed back as it is. */
  protected abstract explain(error: unknown, request: object): unknown;

  /** For locks that must come before those of rows. */
  protected beforeWriting(_tx: Transaction, _ctx: RequestContext): Promise<void> {
    return Promise.resolve();
  }

  protected beforeReplacing(
    _tx: Transaction,
    _ctx: RequestContext,
    _change: { readonly entity: Entity; readonly document: Document },
  ): Promise<void> {
    return Promise.resolve();
  }

  protected beforeRemoving(_tx: Transaction, _entity: Entity): Promise<void> {
    return Promise.resolve();
  }

  protected async insert(tx: Transaction, ctx: RequestContext, request: Request): Promise<View> {
    const document = await this.resolve(tx, request);
    const entity = this.kind.make({ id: newId(), tenantId: ctx.tenantId }, document);
    await tx.em.persist(entity).flush();
    return this.read(tx, entity);
  }

  private async replace(
    tx: Transaction,
    ctx: RequestContext,
    { entity, request, ifMatch }: { entity: Entity; request: Request; ifMatch: string | undefined },
  ): Promise<View> {
    const document = await this.resolve(tx, request, entity);
    if (!isDeepStrictEqual(entity.toDocument(), document)) {
      requireMatch(ifMatch, entity.revision);
      await this.beforeReplacing(tx, ctx, { entity, document });
      entity.replace(document);
      await tx.em.flush();
    }
    return this.read(tx, entity);
  }

  /** Until the transaction ends. */
  protected lock(tx: Transaction, address: Address): Promise<Entity | null> {
    const where = 'id' in address ? { id: address.id } : { [this.kind.nameField]: address.name };
    return tx.em.findOne(this.kind.entity, where as FilterQuery<NoInfer<Entity>>, {
      lockMode: LockMode.PESSIMISTIC_WRITE,
    });
  }

  private async read(tx: Transaction, { id }: Entity): Promise<View> {
    const view = await this.find(tx, { id });
    if (!view) throw new Error(`${this.kind.entity.name} ${id} was written and cannot be read`);
    return view;
  }

  protected async explained<T>(request: object, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.explain(error, request);
    }
  }
}

/** An ETag names a thing that was read, and there is none now; `*` takes whatever is there, be it nothing (API.md "Writes"). */
function refuseVanished(ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  throw problems.preconditionFailed({ detail: 'What was read is gone; leave out If-Match to create it.' });
}

/** The fields that may be written, absent where they are unset, as the rules for descriptions want them. */
function withoutNulls(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}
