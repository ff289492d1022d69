import { Injectable } from '@nestjs/common';
import type { Actor, RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { Finding } from '../../common/errors/finding.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { Conditions, type ListDefinition, ListPage, type ListQuery, type Placed } from '../../common/http/list.js';
import type { Page } from '../../common/http/page.js';
import { type SnapshotDocument, SnapshotStore } from '../../xds/index.js';
import { ProxyConfiguration } from '../entities/proxy-configuration.entity.js';
import { findConfiguration } from './configurations.service.js';
import { type SnapshotDiff, snapshotDiff } from './diff/snapshot-diff.js';

export type ValidationStatus = 'pending' | 'passed' | 'failed';

/** One immutable snapshot in the history of a configuration, without its content. */
export interface Version {
  readonly id: string;
  readonly configuration: { readonly id: string; readonly name: string };
  readonly number: number;
  /** SHA-256 of the canonical JSON; equal content, equal hash. */
  readonly hash: string;
  /** What `xds` knows the content by. */
  readonly snapshotHash: string;
  readonly branch: string;
  /** Number of the version that it was committed on. */
  readonly parent: number | null;
  readonly message: string;
  readonly validation: ValidationStatus;
  readonly findings: readonly Finding[];
  readonly createdBy: Actor;
  readonly createdAt: Date;
}

export interface VersionDiff extends SnapshotDiff {
  readonly from: number | null;
  readonly to: number;
}

type VersionRow = Omit<Version, 'configuration' | 'createdBy'> & {
  readonly actorKind: Actor['kind'];
  readonly actorId: string | null;
  readonly actorName: string;
};

const VERSIONS: ListDefinition = {
  name: 'versions',
  keys: {
    number: { column: 'v.version_number', type: 'bigint', unique: true },
    // Versions are made in the order of their numbers.
    createdAt: { column: 'v.version_number', type: 'bigint', unique: true },
  },
  defaultSort: '-number',
  id: { column: 'v.id', type: 'uuid' },
};

const selectVersions = (further = ''): string => `
  select v.id, v.version_number as number, v.config_hash as hash, v.snapshot_hash as "snapshotHash", v.branch,
         p.version_number as parent, v.change_description as message, v.validation_status as validation, v.findings,
         v.created_by_kind as "actorKind", v.created_by_id as "actorId", v.created_by_name as "actorName", v.created_at as "createdAt"${further}
    from configuration_versions v
    left join configuration_versions p on p.tenant_id = v.tenant_id and p.id = v.parent_version_id`;

/** Reads the history of configurations. */
@Injectable()
export class VersionsService {
  constructor(
    private readonly database: Database,
    private readonly snapshots: SnapshotStore,
  ) {}

  /** Newest first unless told otherwise. @throws ProblemError 404; 400, 422 for what cannot be listed so */
  async list(ctx: RequestContext, address: Address, query: ListQuery): Promise<Page<Version>> {
    return this.database.tenant(ctx, async (tx) => {
      const configuration = await findConfiguration(tx, address);
      const filters = { configuration: configuration.id };
      const list = new ListPage(VERSIONS, { tenantId: ctx.tenantId, query, filters });
      const conditions = new Conditions();
      conditions.equal('v.configuration_id', configuration.id);
      list.addTo(conditions);
      const rows = await tx.query<VersionRow & Placed>(
        `${selectVersions(`, ${list.placeColumn}`)} where ${conditions.sql} ${list.order}`,
        conditions.params,
      );
      return list.page(rows, ({ place: _, ...row }) => toVersion(row, configuration));
    });
  }

  /** @throws ProblemError 404 */
  async get(ctx: RequestContext, address: Address, number: number): Promise<Version> {
    return this.database.tenant(ctx, async (tx) => findVersion(tx, await findConfiguration(tx, address), number));
  }

  /** A version with its content in canonical form. @throws ProblemError 404 */
  async withSnapshot(
    ctx: RequestContext,
    address: Address,
    number: number,
  ): Promise<Version & { readonly snapshot: SnapshotDocument }> {
    return this.database.tenant(ctx, async (tx) => {
      const version = await findVersion(tx, await findConfiguration(tx, address), number);
      return { ...version, snapshot: await this.content(tx, ctx, version.snapshotHash) };
    });
  }

  /**
   * What a version changed, or what lies between another version and it.
   * @param against the version to compare with; undefined for the one that it was committed on, which for a first version is nothing
   * @throws ProblemError 404
   */
  async diff(ctx: RequestContext, address: Address, number: number, against?: number): Promise<VersionDiff> {
    return this.database.tenant(ctx, async (tx) => {
      const configuration = await findConfiguration(tx, address);
      const version = await findVersion(tx, configuration, number);
      if (against === undefined || against === version.parent) {
        return { from: version.parent, to: number, ...(await storedDiff(tx, version)) };
      }
      const other = await findVersion(tx, configuration, against);
      const diff = await this.between(tx, ctx, other.snapshotHash, version.snapshotHash);
      return { from: against, to: number, ...diff };
    });
  }

  /** What lies between two stored snapshots of the tenant; null stands for nothing at all. */
  async between(tx: Transaction, ctx: RequestContext, from: string | null, to: string): Promise<SnapshotDiff> {
    if (from === to) return { added: [], removed: [], changed: [] };
    const differences = await this.snapshots.differences(tx, ctx.tenantId, { from, to });
    return snapshotDiff(differences, ({ after }) => after);
  }

  /**
   * The version for somebody who is about to use it: its configuration can't be deleted before the transaction ends.
   * @returns what there is: neither, the configuration alone, or both
   */
  async use(
    tx: Transaction,
    address: Address,
    number: number,
  ): Promise<{ readonly configuration?: string; readonly version?: Version }> {
    const configuration = await tx.em.findOne(ProxyConfiguration, address);
    if (!configuration) return {};
    const rows = await tx.query('select 1 as locked from proxy_configurations where id = $1 for key share', [
      configuration.id,
    ]);
    if (rows.length === 0) return {};
    const version = await readVersion(tx, configuration, number);
    return { configuration: configuration.name, ...(version && { version }) };
  }

  /** The names and numbers behind version ids; ids of versions that are gone are left out. */
  async describe(
    tx: Transaction,
    versionIds: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly configuration: string; readonly number: number }>> {
    const rows = await tx.query<{ id: string; configuration: string; number: number }>(
      `select v.id, c.name as configuration, v.version_number as number from configuration_versions v
         join proxy_configurations c on c.tenant_id = v.tenant_id and c.id = v.configuration_id
        where v.id = any($1::uuid[])`,
      [versionIds],
    );
    return new Map(rows.map(({ id, configuration, number }) => [id, { configuration, number }]));
  }

  private async content(tx: Transaction, { tenantId }: RequestContext, hash: string): Promise<SnapshotDocument> {
    const document = await this.snapshots.document(tx, tenantId, hash);
    if (document) return document;
    throw new Error(`the content of snapshot ${hash} is missing`);
  }
}

/** @throws ProblemError 404 */
export async function findVersion(
  tx: Transaction,
  configuration: ProxyConfiguration,
  number: number,
): Promise<Version> {
  const version = await readVersion(tx, configuration, number);
  if (version) return version;
  throw problems.notFound({ detail: `"${configuration.name}" has no version ${number}.` });
}

async function readVersion(
  tx: Transaction,
  configuration: ProxyConfiguration,
  number: number,
): Promise<Version | undefined> {
  const [row] = await tx.query<VersionRow>(
    `${selectVersions()} where v.configuration_id = $1 and v.version_number = $2`,
    [configuration.id, number],
  );
  return row && toVersion(row, configuration);
}

async function storedDiff(tx: Transaction, { id }: Version): Promise<SnapshotDiff> {
  const [row] = await tx.query<{ diff: SnapshotDiff }>(
    'select diff_from_previous as diff from configuration_versions where id = $1',
    [id],
  );
  return row?.diff ?? { added: [], removed: [], changed: [] };
}

function toVersion({ actorKind, actorId, actorName, ...row }: VersionRow, { id, name }: ProxyConfiguration): Version {
  return { ...row, configuration: { id, name }, createdBy: { kind: actorKind, id: actorId, name: actorName } };
}
