import { Injectable } from '@nestjs/common';
import { recordAction } from '../../common/audit/record.js';
import { newId } from '../../common/context/ids.js';
import type { RequestContext } from '../../common/context/request-context.js';
import { Database, type Transaction } from '../../common/database/database.js';
import type { LargeDocument } from '../../common/documents/large-document.js';
import { appendEvent } from '../../common/database/outbox.js';
import type { Finding } from '../../common/errors/finding.js';
import { problems } from '../../common/errors/problem.js';
import type { Address } from '../../common/http/address.js';
import { lockSecrets, SnapshotStore } from '../../xds/index.js';
import type { ProxyConfiguration } from '../entities/proxy-configuration.entity.js';
import { versioningProblems } from '../versioning.errors.js';
import type { VersioningEvent } from '../versioning.events.js';
import { findConfiguration } from './configurations.service.js';
import { documentAt, type VersionContent } from './content/version-content.js';
import { VersionContents } from './content/version-contents.js';
import { type SnapshotDiff, snapshotDiff } from './diff/snapshot-diff.js';
import { indexHead } from './version-index.js';
import { type Version, findVersion } from './versions.service.js';

export interface CommitCommand {
  readonly branch: string;
  /** Number of the version that the writer believes to be the head; null for an empty branch. */
  readonly expectedHead: number | null;
  readonly message: string;
  /** As it was sent. */
  readonly snapshot: Readonly<Record<string, unknown>> | LargeDocument;
}

/** What a commit is, or would be, as far as that is known before it is stored. */
export interface CommitReport {
  readonly number: number;
  readonly branch: string;
  readonly hash: string;
  readonly snapshotHash: string;
  /** Warnings; errors refuse the commit. */
  readonly findings: readonly Finding[];
  /** Against the head that it follows. */
  readonly diff: SnapshotDiff;
  /** False where the content equals the head's: then there is nothing to commit, and `number` is the head's. */
  readonly changes: boolean;
}

interface Head {
  readonly branchId: string;
  readonly versionId: string | null;
  readonly number: number | null;
  readonly configHash: string | null;
  readonly snapshotHash: string | null;
}

interface Prepared {
  readonly configuration: ProxyConfiguration;
  readonly head: Head;
  readonly content: VersionContent;
  readonly report: CommitReport;
  /** Of the resources that the head has not, or has with other content. */
  readonly places: readonly number[];
}

/** A snapshot that was read, and may become this version. */
interface Candidate {
  readonly versionId: string;
  readonly content: VersionContent;
  readonly findings: readonly Finding[];
}

/**
 * Commits complete snapshots as versions. Content that equals the head's makes no version: whoever applies the same files again and
 * again keeps the history free of versions that change nothing, and gets the head as it is.
 */
@Injectable()
export class VersionCommits {
  constructor(
    private readonly database: Database,
    private readonly contents: VersionContents,
    private readonly snapshots: SnapshotStore,
  ) {}

  /**
   * Validates and stores a version, moves the branch to it, and tells of it, all in one transaction; the validation goes before it.
   * @returns the new version, or the head where it already has this content
   * @throws ProblemError 404; 409 `head-moved` with the head as it is; 422 with every finding
   */
  async commit(
    ctx: RequestContext,
    address: Address,
    command: CommitCommand,
  ): Promise<{ readonly version: Version; readonly created: boolean }> {
    const candidate = await this.read(command.snapshot);
    return this.database.tenant(ctx, async (tx) => {
      const prepared = await this.prepare(tx, ctx, { address, command, candidate });
      const { configuration, report } = prepared;
      if (report.changes) await this.store(tx, ctx, { prepared, versionId: candidate.versionId }, command.message);
      const version = await findVersion(tx, configuration, report.number);
      return { version, created: report.changes };
    });
  }

  /** What `commit` would do and say now; nothing is stored. @throws as `commit` does */
  async dryRun(ctx: RequestContext, address: Address, command: CommitCommand): Promise<CommitReport> {
    const candidate = await this.read(command.snapshot);
    return this.database.tenant(
      ctx,
      async (tx) => (await this.prepare(tx, ctx, { address, command, candidate })).report,
    );
  }

  private async read(snapshot: CommitCommand['snapshot']): Promise<Candidate> {
    const versionId = newId();
    const { findings, content } = await this.contents.read({ snapshot, versionId });
    if (content) return { versionId, content, findings };
    throw versioningProblems.invalidSnapshot({ detail: 'Nothing was stored; see errors.', errors: findings });
  }

  /** Under the lock of the configuration's row, by which commits to it take turns. */
  private async prepare(
    tx: Transaction,
    { tenantId }: RequestContext,
    what: { readonly address: Address; readonly command: CommitCommand; readonly candidate: Candidate },
  ): Promise<Prepared> {
    const { command, candidate } = what;
    const { content, findings } = candidate;
    const configuration = await lockForCommit(tx, what.address);
    const head = await headOf(tx, configuration, command.branch);
    if (head.number !== command.expectedHead) throw headMoved(command, head);
    await requireSecrets(tx, content.secrets);
    const { hash, snapshot } = content;
    const changes = hash !== head.configHash;
    const between = { from: head.snapshotHash, to: snapshot.entries };
    const differences = changes ? await this.snapshots.differences(tx, tenantId, between) : [];
    const report = {
      number: changes || head.number === null ? (await lastNumber(tx, configuration)) + 1 : head.number,
      branch: command.branch,
      hash,
      snapshotHash: snapshot.hash,
      findings,
      diff: await snapshotDiff(differences, ({ index }) => documentAt(content, index)),
      changes,
    };
    return { configuration, head, content, report, places: differences.flatMap(({ index }) => index ?? []) };
  }

  private async store(
    tx: Transaction,
    ctx: RequestContext,
    { prepared, versionId }: { readonly prepared: Prepared; readonly versionId: string },
    message: string,
  ): Promise<void> {
    const { configuration, head, content, report, places } = prepared;
    const { tenantId } = ctx;
    await this.snapshots.save(tx, tenantId, content.snapshot);
    await insertVersion(tx, ctx, { prepared, versionId, message });
    await tx.query('update configuration_branches set head_version_id = $2 where id = $1', [head.branchId, versionId]);
    const former = head.versionId === null ? undefined : { versionId: head.versionId, diff: report.diff, places };
    await indexHead(tx, { tenantId, versionId, content }, former);
    const { number, hash, branch } = report;
    const facts = { number, hash, branch, versionId };
    await recordAction(tx, ctx, {
      action: 'commit',
      resourceType: 'configuration_versions',
      resourceId: versionId,
      resourceName: `${configuration.name} version ${number}`,
      changes: { ...facts, configuration: configuration.name },
    });
    const event: VersioningEvent = {
      type: 'configuration.version.committed',
      payload: { ...facts, configuration: configuration.name },
    };
    await appendEvent(tx, { tenantId, subjectId: configuration.id, ...event });
  }
}

/** The secrets that a snapshot names are in the tenant, and stay until the transaction ends. @throws ProblemError 422 */
async function requireSecrets(tx: Transaction, names: readonly string[]): Promise<void> {
  const missing = await lockSecrets(tx, names);
  if (missing.length === 0) return;
  const errors = missing.map((name): Finding => ({
    pointer: `/snapshot/secrets/${names.indexOf(name)}/name`,
    rule: 'reference.secret',
    detail: `there is no secret "${name}" in this tenant; add it first with PUT /api/v1/secrets/name:<name>`,
    severity: 'error',
  }));
  throw versioningProblems.invalidSnapshot({ detail: 'Nothing was stored; see errors.', errors });
}

async function lockForCommit(tx: Transaction, address: Address): Promise<ProxyConfiguration> {
  const configuration = await findConfiguration(tx, address);
  // Not FOR UPDATE: rows that refer to the configuration may be written meanwhile.
  const rows = await tx.query('select 1 as locked from proxy_configurations where id = $1 for no key update', [
    configuration.id,
  ]);
  if (rows.length === 0) throw problems.notFound({ detail: 'The configuration was deleted just now.' });
  return configuration;
}

async function headOf(tx: Transaction, configuration: ProxyConfiguration, branch: string): Promise<Head> {
  const [head] = await tx.query<Head>(
    `select b.id as "branchId", v.id as "versionId", v.version_number as number, v.config_hash as "configHash",
            v.snapshot_hash as "snapshotHash"
       from configuration_branches b
       left join configuration_versions v on v.tenant_id = b.tenant_id and v.id = b.head_version_id
      where b.configuration_id = $1 and b.name = $2`,
    [configuration.id, branch],
  );
  if (head) return head;
  const finding: Finding = {
    pointer: '/branch',
    rule: 'version.branch',
    detail: `"${configuration.name}" has no branch "${branch}"`,
    severity: 'error',
  };
  throw problems.invalid({ detail: 'See errors.', errors: [finding] });
}

function headMoved({ branch, expectedHead }: CommitCommand, { number }: Head): Error {
  const now = number === null ? 'is empty' : `is at version ${number}`;
  const expected = expectedHead === null ? 'an empty branch' : `version ${expectedHead}`;
  return versioningProblems.headMoved({
    detail: `Branch "${branch}" ${now}, not at ${expected} as expected; look at what changed and commit on top of it.`,
    extensions: { branch, head: number },
  });
}

async function lastNumber(tx: Transaction, { id }: ProxyConfiguration): Promise<number> {
  const [row] = await tx.query<{ last: number | null }>(
    'select max(version_number) as last from configuration_versions where configuration_id = $1',
    [id],
  );
  return row?.last ?? 0;
}

async function insertVersion(
  tx: Transaction,
  { tenantId, actor }: RequestContext,
  { prepared, versionId, message }: { prepared: Prepared; versionId: string; message: string },
): Promise<void> {
  const { configuration, head, report } = prepared;
  await tx.query(
    `insert into configuration_versions (tenant_id, id, configuration_id, version_number, config_hash, snapshot_hash, branch,
       parent_version_id, change_description, validation_status, validated_at, findings, diff_from_previous,
       created_by_kind, created_by_id, created_by_name)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'passed', now(), $10::jsonb, $11::jsonb, $12, $13, $14)`,
    [
      tenantId,
      versionId,
      configuration.id,
      report.number,
      report.hash,
      report.snapshotHash,
      report.branch,
      head.versionId,
      message,
      JSON.stringify(report.findings),
      JSON.stringify(report.diff),
      actor.kind,
      actor.id,
      actor.name,
    ],
  );
}
