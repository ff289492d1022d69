import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { LockMode } from '@mikro-orm/core';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import { isUniqueViolation } from '../../common/database/errors.js';
import { ProblemError, problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { type Preconditions, refusePresent, refuseVanished, requireMatch } from '../../common/http/etag.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import { mergePatch } from '../../common/http/merge-patch.js';
import type { Page } from '../../common/http/page.js';
import { ProxyConfiguration } from '../entities/proxy-configuration.entity.js';
import { versioningProblems } from '../versioning.errors.js';
import { ConfigurationUses } from './configuration-uses.js';

/** A branch with the number of the version at its head; null before the first commit. */
export interface BranchHead {
  readonly name: string;
  readonly head: number | null;
}

export interface ConfigurationWithBranches {
  readonly configuration: ProxyConfiguration;
  readonly branches: readonly BranchHead[];
}

export interface ConfigurationContent {
  readonly description: string;
  readonly tags: readonly string[];
}

const CONFIGURATIONS: ListDefinition = {
  name: 'configurations',
  keys: {
    name: { column: 'c.name', type: 'text', unique: true },
    createdAt: { column: 'c.created_at', type: 'timestamptz' },
    updatedAt: { column: 'c.updated_at', type: 'timestamptz' },
  },
  defaultSort: 'name',
  id: { column: 'c.id', type: 'uuid' },
};

/** What `versioningProblems` says of a name that is taken. */
const NAME_TAKEN = 'configuration-name-taken';

/** The branch that is made with every configuration. */
const MAIN_BRANCH = 'main';

/** Configurations by id or name: made, described, listed and deleted. Their content is committed by `VersionCommits`. */
@Injectable()
export class ConfigurationsService {
  constructor(
    private readonly database: Database,
    private readonly uses: ConfigurationUses,
  ) {}

  /** @throws ProblemError 409 for a name that is taken */
  async create(
    ctx: RequestContext,
    content: ConfigurationContent & { readonly name: string },
  ): Promise<ConfigurationWithBranches> {
    return this.database.tenant(ctx, (tx) => insertConfiguration(tx, ctx, content));
  }

  /**
   * Makes the configuration or gives it this description and these tags; what is already so is left alone and needs no `If-Match`. A name
   * can be made; an id cannot (404). Two that make one name at once both succeed as if one came after the other.
   * @throws ProblemError 412 or 428 where it would change and `If-Match` does not fit
   */
  async put(
    ctx: RequestContext,
    address: Address,
    content: ConfigurationContent,
    preconditions: Preconditions,
  ): Promise<ConfigurationWithBranches & { readonly created: boolean }> {
    const attempt = (): Promise<ConfigurationWithBranches & { readonly created: boolean }> =>
      this.database.tenant(ctx, async (tx) => {
        const found = await tx.em.findOne(ProxyConfiguration, address, { lockMode: LockMode.PESSIMISTIC_WRITE });
        if (found) {
          refusePresent(preconditions, found.revision);
          return { ...(await replace(tx, found, content, preconditions.ifMatch)), created: false };
        }
        if (!('name' in address)) throw notFound(address);
        refuseVanished(preconditions.ifMatch);
        return { ...(await insertConfiguration(tx, ctx, { name: address.name, ...content })), created: true };
      });
    try {
      return await attempt();
    } catch (error) {
      // Somebody made it just now: then it is there to be replaced.
      if (!(error instanceof ProblemError) || error.code !== NAME_TAKEN) throw error;
      return attempt();
    }
  }

  /** Applies a merge patch (RFC 7396) to description and tags. @throws ProblemError 404, 412, 422, 428 */
  async patch(
    ctx: RequestContext,
    address: Address,
    patch: object,
    ifMatch: string | undefined,
    checked: (candidate: unknown) => Promise<ConfigurationContent>,
  ): Promise<ConfigurationWithBranches> {
    return this.database.tenant(ctx, async (tx) => {
      const found = await findConfiguration(tx, address, LockMode.PESSIMISTIC_WRITE);
      requireMatch(ifMatch, found.revision);
      const { description, tags } = found;
      return replace(tx, found, await checked(mergePatch({ description, tags }, patch)), '*');
    });
  }

  /** @throws ProblemError 404 */
  async get(ctx: RequestContext, address: Address): Promise<ConfigurationWithBranches> {
    return this.database.tenant(ctx, async (tx) => withBranches(tx, await findConfiguration(tx, address)));
  }

  /** @throws ProblemError 400, 422 for what cannot be listed so */
  async list(ctx: RequestContext, query: ListQuery): Promise<Page<ConfigurationWithBranches>> {
    const list = new ListPage(CONFIGURATIONS, { tenantId: ctx.tenantId, query });
    return this.database.tenant(ctx, async (tx) => {
      const conditions = new Conditions();
      list.addTo(conditions);
      const rows = await tx.query<Placed>(
        `select c.*, ${list.placeColumn} from proxy_configurations c where ${conditions.sql} ${list.order}`,
        conditions.params,
      );
      const page = list.page(rows, (row) => tx.em.map(ProxyConfiguration, row));
      const heads = await branchesOf(tx, page.items);
      const items = page.items.map((configuration) => ({ configuration, branches: heads.get(configuration.id) ?? [] }));
      return { ...page, items };
    });
  }

  /**
   * Deletes the configuration with all its versions.
   * @throws ProblemError 404, 412, 428; 409 while a proxy is assigned one of its versions or something else needs it
   */
  async delete(ctx: RequestContext, address: Address, ifMatch: string | undefined): Promise<void> {
    await this.database.tenant(ctx, async (tx) => {
      const configuration = await findConfiguration(tx, address, LockMode.PESSIMISTIC_WRITE);
      requireMatch(ifMatch, configuration.revision);
      const uses = await this.uses.of(tx, configuration.id);
      if (uses.length > 0) throw versioningProblems.configurationInUse({ detail: uses.join(' ') });
      await tx.em.remove(configuration).flush();
    });
  }
}

/** @throws ProblemError 404 */
export async function findConfiguration(
  tx: Transaction,
  address: Address,
  lockMode: LockMode = LockMode.NONE,
): Promise<ProxyConfiguration> {
  const found = await tx.em.findOne(ProxyConfiguration, address, { lockMode });
  if (found) return found;
  throw notFound(address);
}

function notFound(address: Address): Error {
  const words = 'id' in address ? `with id ${address.id}` : `named "${address.name}"`;
  return problems.notFound({ detail: `There is no configuration ${words}.` });
}

/** Equal content changes nothing and needs no `If-Match`. */
async function replace(
  tx: Transaction,
  found: ProxyConfiguration,
  { description, tags }: ConfigurationContent,
  ifMatch: string | undefined,
): Promise<ConfigurationWithBranches> {
  if (found.description !== description || !isDeepStrictEqual(found.tags, tags)) {
    requireMatch(ifMatch, found.revision);
    found.description = description;
    found.tags = tags;
    await tx.em.flush();
    await tx.em.refresh(found);
  }
  return withBranches(tx, found);
}

async function insertConfiguration(
  tx: Transaction,
  { tenantId }: RequestContext,
  content: ConfigurationContent & { readonly name: string },
): Promise<ConfigurationWithBranches> {
  const configuration = new ProxyConfiguration({ tenantId, ...content });
  try {
    await tx.em.persist(configuration).flush();
  } catch (error) {
    if (!isUniqueViolation(error, 'proxy_configurations_name_key')) throw error;
    throw versioningProblems.configurationNameTaken({
      detail: `There is a configuration named "${content.name}"; change it by PUT /configurations/name:….`,
    });
  }
  await tx.query(`insert into configuration_branches (tenant_id, id, configuration_id, name) values ($1, $2, $3, $4)`, [
    tenantId,
    newId(),
    configuration.id,
    MAIN_BRANCH,
  ]);
  return { configuration, branches: [{ name: MAIN_BRANCH, head: null }] };
}

async function withBranches(tx: Transaction, configuration: ProxyConfiguration): Promise<ConfigurationWithBranches> {
  return { configuration, branches: (await branchesOf(tx, [configuration])).get(configuration.id) ?? [] };
}

async function branchesOf(
  tx: Transaction,
  configurations: readonly ProxyConfiguration[],
): Promise<ReadonlyMap<string, readonly BranchHead[]>> {
  const rows = await tx.query<{ configuration_id: string; name: string; head: number | null }>(
    `select b.configuration_id, b.name, v.version_number as head from configuration_branches b
       left join configuration_versions v on v.tenant_id = b.tenant_id and v.id = b.head_version_id
      where b.configuration_id = any($1::uuid[]) order by b.name`,
    [configurations.map(({ id }) => id)],
  );
  const branches = new Map<string, BranchHead[]>();
  for (const { configuration_id, name, head } of rows) {
    branches.set(configuration_id, [...(branches.get(configuration_id) ?? []), { name, head }]);
  }
  return branches;
}
