import { isDeepStrictEqual } from 'node:util';
import { type EntityClass, type FilterQuery, LockMode } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Reader, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import type { Address } from '../../common/http/address.js';
import { type Change, type Changed, EntangledChanges } from '../../common/http/batch/changes.js';
import { runBatch } from '../../common/http/batch/run-batch.js';
import { type Preconditions, refusePresent, refuseVanished, requireMatch } from '../../common/http/etag.js';
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

/** A description that was asked for, and the thing that it is for; none while that is being made. */
export interface Pending<Entity, Request> {
  readonly request: Request;
  readonly entity: Entity | undefined;
}

/** A thing that is about to become what the document says. */
export interface Replacement<Entity, Document> {
  readonly entity: Entity;
  readonly document: Document;
}

interface Description<Entity, Request> extends Pending<Entity, Request> {
  readonly status: 200 | 201;
  readonly ifMatch: string | undefined;
}

interface Removal<Entity> {
  readonly status: 204;
  readonly entity: Entity;
}

type Step<Entity, Request> = Description<Entity, Request> | Removal<Entity>;

interface Done<Entity> {
  readonly status: Changed['status'];
  readonly entity: Entity;
}

/**
 * How things that people describe are created, replaced, patched and removed, one or many, the same for every kind (API.md "Addressing"
 * and "Writes"). A `Request` is a description as it is sent, other things in it named by addresses; a `Document` is the same with their ids.
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
    return this.writeAlone(ctx, { action: 'create', request }, (tx, { entity }) => this.read(tx, entity));
  }

  /**
   * Creates the thing or makes it what is given. Equal content changes nothing and needs no `If-Match`; a change needs it (428, 412).
   * A name can be created; an id cannot (404). Two that create one name at once both succeed as if one came after the other.
   * @param requestFor the description, once the name is known
   */
  put(
    ctx: RequestContext,
    address: Address,
    requestFor: (name: string) => Request,
    preconditions: Preconditions,
  ): Promise<Written<View>> {
    return this.writeAlone(
      ctx,
      { action: 'put', address, requestFor, ...preconditions },
      async (tx, { entity, status }) => ({
        view: await this.read(tx, entity),
        created: status === 201,
      }),
    );
  }

  /** Applies a merge patch (RFC 7396); the result must be a valid description. @throws ProblemError 404, 409, 412, 422, 428 */
  patch(ctx: RequestContext, address: Address, patch: object, ifMatch: string | undefined): Promise<View> {
    return this.writeAlone(ctx, { action: 'patch', address, patch, ifMatch }, (tx, { entity }) =>
      this.read(tx, entity),
    );
  }

  /** @throws ProblemError 404, also for a thing of another tenant */
  async get(ctx: RequestContext, address: Address): Promise<View> {
    const view = await this.find(this.database.reader(ctx), address);
    if (!view) throw this.notFound(address);
    return view;
  }

  /** @throws ProblemError 404, 409 while something needs it, 412, 428 */
  remove(ctx: RequestContext, address: Address, ifMatch: string | undefined): Promise<void> {
    return this.writeAlone(ctx, { action: 'delete', address, ifMatch }, () => Promise.resolve());
  }

  /** Makes all changes or none, each as if it came after those before it. @throws ProblemError with what is wrong with each */
  batch(ctx: RequestContext, changes: readonly Change<Request>[]): Promise<readonly Changed[]> {
    const collection = {
      writeOne: (_: RequestContext, change: Change<Request>): Promise<Changed> =>
        this.writeAlone(ctx, change, async (tx, done) => this.changed(done, await this.revisions(tx, [done]))),
      writeAll: (_: RequestContext, some: readonly Change<Request>[]): Promise<readonly Changed[]> =>
        this.database.tenant(ctx, async (tx) => {
          const done = await this.write(tx, ctx, some);
          const revisions = await this.revisions(tx, done);
          return done.map((each) => this.changed(each, revisions));
        }),
    };
    return runBatch(this.database, collection, ctx, changes);
  }

  protected abstract notFound(address: Address): Error;
  /** The thing as the API shows it. */
  protected abstract find(reader: Reader, address: Address): Promise<View | undefined>;
  /** Finds what the requests name, in the order of the requests. @throws ProblemError 422 */
  protected abstract resolve(tx: Transaction, pending: readonly Pending<Entity, Request>[]): Promise<Document[]>;
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
    _replacements: readonly Replacement<Entity, Document>[],
  ): Promise<void> {
    return Promise.resolve();
  }

  /** Called once the rows are there. */
  protected afterCreating(
    _tx: Transaction,
    _ctx: RequestContext,
    _created: readonly Replacement<Entity, Document>[],
  ): Promise<void> {
    return Promise.resolve();
  }

  protected beforeRemoving(_tx: Transaction, _entities: readonly Entity[]): Promise<void> {
    return Promise.resolve();
  }

  protected async insert(tx: Transaction, ctx: RequestContext, request: Request): Promise<View> {
    const { entity } = only(await this.write(tx, ctx, [{ action: 'create', request }]));
    return this.read(tx, entity);
  }

  /** One change in a transaction of its own, with the answer to it. */
  private writeAlone<T>(
    ctx: RequestContext,
    change: Change<Request>,
    answer: (tx: Transaction, done: Done<Entity>) => Promise<T>,
  ): Promise<T> {
    const attempt = (): Promise<T> =>
      this.database.tenant(ctx, async (tx) => answer(tx, only(await this.write(tx, ctx, [change]))));
    return this.explained(saidBy(change), async () => {
      try {
        return await attempt();
      } catch (error) {
        // Somebody made it just now: then it is there to be replaced.
        if (change.action !== 'put' || !isUniqueViolation(error, this.kind.nameKey)) throw error;
        return attempt();
      }
    });
  }

  /**
   * Makes the changes in as many statements as one takes.
   * @throws EntangledChanges where what comes of one depends on what another does
   */
  private async write(
    tx: Transaction,
    ctx: RequestContext,
    changes: readonly Change<Request>[],
  ): Promise<readonly Done<Entity>[]> {
    await this.beforeWriting(tx, ctx);
    const found = await this.lockAll(tx, changes);
    const steps: Step<Entity, Request>[] = [];
    for (const [i, change] of changes.entries()) steps.push(await this.stepOf(change, found[i]));
    const descriptions = steps.filter((step) => step.status !== 204);
    const documents = await this.resolve(tx, descriptions);
    const { made, created } = await this.describe(tx, ctx, descriptions, documents);
    const removed = steps.flatMap((step) => (step.status === 204 ? [step.entity] : []));
    if (removed.length > 0) await this.beforeRemoving(tx, removed);
    for (const entity of removed) tx.em.remove(entity);
    await tx.em.flush();
    if (created.length > 0) await this.afterCreating(tx, ctx, created);
    return steps.map((step) => (step.status === 204 ? step : only(made.splice(0, 1))));
  }

  /** What the change does to the thing that it names. @throws ProblemError 404, 412, 422, 428 */
  private async stepOf(change: Change<Request>, entity: Entity | undefined): Promise<Step<Entity, Request>> {
    if (change.action === 'create') {
      return { status: 201, request: change.request, entity: undefined, ifMatch: undefined };
    }
    const { address, ifMatch } = change;
    if (change.action === 'put') {
      if (entity) refusePresent(change, entity.revision);
      if (entity) return { status: 200, request: change.requestFor(this.nameOf(entity)), entity, ifMatch };
      if (!('name' in address)) throw this.notFound(address);
      refuseVanished(ifMatch);
      return { status: 201, request: change.requestFor(address.name), entity, ifMatch };
    }
    if (!entity) throw this.notFound(address);
    requireMatch(ifMatch, entity.revision);
    if (change.action === 'delete') return { status: 204, entity };
    const request = await this.checked(mergePatch(withoutNulls(this.requestOf(entity.toDocument())), change.patch));
    return { status: 200, request, entity, ifMatch: '*' };
  }

  /** Gives the ORM what is made and what changes; equal content does not. */
  private async describe(
    tx: Transaction,
    ctx: RequestContext,
    descriptions: readonly Description<Entity, Request>[],
    documents: readonly Document[],
  ): Promise<{ made: Done<Entity>[]; created: readonly Replacement<Entity, Document>[] }> {
    const replacements: Replacement<Entity, Document>[] = [];
    const created: Replacement<Entity, Document>[] = [];
    const made = documents.map((document, i): Done<Entity> => {
      const { status, entity, ifMatch } = only(descriptions.slice(i, i + 1));
      if (entity && !isDeepStrictEqual(entity.toDocument(), document)) {
        requireMatch(ifMatch, entity.revision);
        replacements.push({ entity, document });
      }
      if (entity) return { status, entity };
      const fresh = this.kind.make({ id: newId(), tenantId: ctx.tenantId }, document);
      created.push({ entity: fresh, document });
      return { status, entity: fresh };
    });
    if (replacements.length > 0) await this.beforeReplacing(tx, ctx, replacements);
    for (const { entity, document } of replacements) entity.replace(document);
    tx.em.persist(created.map(({ entity }) => entity));
    return { made, created };
  }

  /** Until the transaction ends. @throws ProblemError 404 */
  protected async lock(tx: Transaction, address: Address): Promise<Entity> {
    const [entity] = await this.lockAll(tx, [{ action: 'delete', address, ifMatch: '*' }]);
    if (!entity) throw this.notFound(address);
    return entity;
  }

  /** The things that the changes name, locked in one order, each in its change's place. */
  private async lockAll(
    tx: Transaction,
    changes: readonly Change<Request>[],
  ): Promise<readonly (Entity | undefined)[]> {
    const addresses = changes.map((change) => (change.action === 'create' ? undefined : change.address));
    const ids = addresses.flatMap((address) => (address && 'id' in address ? [address.id] : []));
    const names = addresses.flatMap((address) => (address && 'name' in address ? [address.name] : []));
    const { entity, nameField } = this.kind;
    const where = [
      ...(ids.length === 0 ? [] : [{ id: { $in: ids } }]),
      ...(names.length === 0 ? [] : [{ [nameField]: { $in: names } }]),
    ];
    if (where.length === 0) return [];
    const order: object = { id: 'asc' };
    const found = await tx.em.find(entity, { $or: where } as FilterQuery<NoInfer<Entity>>, {
      lockMode: LockMode.PESSIMISTIC_WRITE,
      orderBy: order,
    });
    const byId = new Map(found.map((each) => [each.id, each]));
    const byName = new Map(found.map((each) => [this.nameOf(each), each]));
    const named = addresses.map(
      (address) => address && ('id' in address ? byId.get(address.id) : byName.get(address.name)),
    );
    const present = named.filter((each) => each !== undefined);
    if (new Set(present).size < present.length) throw new EntangledChanges();
    return named;
  }

  /** As the database has raised them. */
  private async revisions(tx: Transaction, done: readonly Done<Entity>[]): Promise<ReadonlyMap<string, number>> {
    const ids = done.flatMap(({ status, entity }) => (status === 204 ? [] : [entity.id]));
    if (ids.length === 0) return new Map();
    const where: object = { id: { $in: ids } };
    const rows = await tx.em.find(this.kind.entity, where, { refresh: true });
    return new Map(rows.map(({ id, revision }) => [id, revision]));
  }

  private changed({ status, entity }: Done<Entity>, revisions: ReadonlyMap<string, number>): Changed {
    const revision = revisions.get(entity.id) ?? entity.revision;
    return { status, id: entity.id, name: this.nameOf(entity), revision };
  }

  private nameOf(entity: Entity): string {
    return String(entity.toDocument()[this.kind.nameField]);
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

function only<T>([item]: readonly T[]): T {
  if (item === undefined) throw new Error('nothing came of a change');
  return item;
}

/** What a change says of the thing, for the words of a refusal. */
function saidBy(change: Change<object>): object {
  if (change.action === 'create') return change.request;
  if (change.action === 'put') return change.requestFor('');
  return change.action === 'patch' ? change.patch : {};
}

/** The fields that may be written, absent where they are unset, as the rules for descriptions want them. */
function withoutNulls(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}
