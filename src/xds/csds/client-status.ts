import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../common/database/database.js';
import { problems } from '../../common/errors/problem.js';
import type { HeldAssignment } from '../ledger/proxy-progress.js';
import { type ProxyStanding, ProxySync } from '../ledger/proxy-sync.js';
import type { SyncByKind } from '../ledger/type-sync.js';
import { ServedSnapshots } from '../assignments/served-snapshots.js';
import type { ResourceKind } from '../resource-types.js';
import type { RequestContext } from '../../common/context/request-context.js';
import type { CompiledSnapshot } from '../snapshots/compiled-snapshot.js';
import type { ClientConfig, FailedUpdate, ResourceStatus } from './client-config.js';
import type { NodeIdMatcher, StatusRequest } from './status-request.js';

const MAX_PROXIES = 1_000;
const MAX_BYTES = 32 * 1024 * 1024;
/** What one resource costs beside its content: its type, name, version, times and states. */
const ENTRY_BYTES = 256;

interface ProxyRow {
  readonly id: string;
  readonly name: string;
  readonly node_id: string;
  readonly node_cluster: string | null;
}

interface SnapshotEntry {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly version: string;
}

interface SnapshotRow {
  readonly hash: string;
  readonly resources: readonly SnapshotEntry[];
  readonly byte_size: string;
}

/** What the ledger says of proxies, and the resources that this is about. */
interface Found {
  readonly proxies: readonly ProxyRow[];
  readonly standings: ReadonlyMap<string, ProxyStanding>;
  readonly snapshots: ReadonlyMap<string, SnapshotRow>;
}

/** Tells, in the words of CSDS, what proxies have and what they refused. It says what `GET /proxies/{id}/sync` says, by resource. */
@Injectable()
export class ClientStatus {
  constructor(
    private readonly database: Database,
    private readonly sync: ProxySync,
    private readonly served: ServedSnapshots,
  ) {}

  /**
   * Of the proxies of the caller's tenant that are meant, by node id.
   * @throws ProblemError 413 where that is more than one answer can hold
   */
  async read(ctx: RequestContext, request: StatusRequest): Promise<ClientConfig[]> {
    const { proxies, standings, snapshots } = await this.find(ctx, request);
    const contents = request.withoutContents ? null : await this.contents(ctx.tenantId, [...standings.values()]);
    return proxies.map((proxy) => {
      const standing = standings.get(proxy.id);
      return {
        nodeId: proxy.node_id,
        nodeCluster: proxy.node_cluster,
        scope: proxy.name,
        resources: standing ? resourcesOf(standing, snapshots, contents) : [],
      };
    });
  }

  private find(ctx: RequestContext, { matchers, withoutContents }: StatusRequest): Promise<Found> {
    return this.database.tenant(ctx, async (tx) => {
      const proxies = await matching(tx, ctx.tenantId, matchers);
      if (proxies.length > MAX_PROXIES) {
        throw problems.payloadTooLarge({ detail: `More than ${MAX_PROXIES} proxies match; narrow node_matchers.` });
      }
      const ids = proxies.map(({ id }) => id);
      const standings = await this.sync.readAll(tx, ctx.tenantId, ids);
      const snapshots = await snapshotsOf(tx, ctx.tenantId, [...standings.values()]);
      const found = { proxies, standings, snapshots };
      if (sizeOf(found, withoutContents) > MAX_BYTES) {
        throw problems.payloadTooLarge({
          detail: `The answer is larger than ${MAX_BYTES / 1024 / 1024} MB; narrow node_matchers or set exclude_resource_contents.`,
        });
      }
      return found;
    });
  }

  /** The snapshots that proxies are served, compiled; secrets are not in them. */
  private async contents(
    tenantId: string,
    standings: readonly ProxyStanding[],
  ): Promise<ReadonlyMap<string, CompiledSnapshot>> {
    const contents = new Map<string, CompiledSnapshot>();
    for (const hash of new Set(standings.map(({ served }) => served))) {
      const snapshot = hash === null ? undefined : await this.served.get(tenantId, hash);
      if (snapshot) contents.set(snapshot.hash, snapshot);
    }
    return contents;
  }
}

function matching(tx: Transaction, tenantId: string, matchers: readonly NodeIdMatcher[]): Promise<ProxyRow[]> {
  return tx.query<ProxyRow>(
    `select p.id, p.name, p.node_id, p.node_cluster from envoy_proxies p
      where p.tenant_id = $1 and (cardinality($2::text[]) = 0 or exists (
        select from unnest($2::text[], $3::text[], $4::boolean[]) as m (how, given, ignore_case)
          cross join lateral (select case when m.ignore_case then lower(p.node_id) else p.node_id end as id,
                                     case when m.ignore_case then lower(m.given) else m.given end as text) t
         where case m.how when 'any' then true
                          when 'exact' then t.id = t.text
                          when 'prefix' then starts_with(t.id, t.text)
                          when 'suffix' then right(t.id, length(t.text)) = t.text
                          else strpos(t.id, t.text) > 0 end))
      order by p.node_id collate "C" limit ${MAX_PROXIES + 1}`,
    [
      tenantId,
      matchers.map(({ how }) => how),
      matchers.map(({ text }) => text),
      matchers.map(({ ignoreCase }) => ignoreCase),
    ],
  );
}

/** Those that the proxies are served, and those that are held back from them. */
async function snapshotsOf(
  tx: Transaction,
  tenantId: string,
  standings: readonly ProxyStanding[],
): Promise<ReadonlyMap<string, SnapshotRow>> {
  const hashes = new Set(standings.flatMap(({ served, held }) => [served, held?.hash ?? null]));
  const rows = await tx.query<SnapshotRow>(
    'select hash, resources, byte_size from snapshots where tenant_id = $1 and hash = any ($2::text[])',
    [tenantId, [...hashes]],
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

function sizeOf({ standings, snapshots }: Found, withoutContents: boolean): number {
  let size = 0;
  for (const { served, held } of standings.values()) {
    const snapshot = snapshots.get(served ?? '');
    const entries = (snapshot?.resources.length ?? 0) + (snapshots.get(held?.hash ?? '')?.resources.length ?? 0);
    size += (entries + 1) * ENTRY_BYTES + (withoutContents ? 0 : Number(snapshot?.byte_size ?? 0));
  }
  return size;
}

/** @param contents null where contents are not told */
function resourcesOf(
  { view, served, held }: ProxyStanding,
  snapshots: ReadonlyMap<string, SnapshotRow>,
  contents: ReadonlyMap<string, CompiledSnapshot> | null,
): ResourceStatus[] {
  const entries = snapshots.get(served ?? '')?.resources ?? [];
  const refused = held && held.hash !== served ? failures(held, snapshots, entries) : new Map<string, FailedUpdate>();
  const compiled = contents?.get(served ?? '');
  const resources = entries.map((entry): ResourceStatus => {
    const { kind, name } = entry;
    const status = typeStatus(view.sync, entry, refused.get(keyOf(entry)));
    // A secret stands in no compiled snapshot, and is left out here should that ever change.
    const content = kind === 'secret' ? null : (compiled?.resources(kind).get(name)?.value ?? null);
    refused.delete(keyOf(entry));
    return { ...entry, content, ...status };
  });
  return [...resources, ...neverTaken(refused), ...nameless(view.sync, entries)];
}

/** By resource, what differs in the snapshot that is held back from what is served in its place. */
function failures(
  { hash, kind, message, at }: HeldAssignment,
  snapshots: ReadonlyMap<string, SnapshotRow>,
  served: readonly SnapshotEntry[],
): Map<string, FailedUpdate> {
  const same = new Set(served.map((entry) => `${keyOf(entry)} ${entry.version}`));
  const details = message ?? 'Processes of the proxy went down soon after they were sent this.';
  const given = snapshots.get(hash)?.resources ?? [];
  return new Map(
    given
      .filter((entry) => (kind === null || entry.kind === kind) && !same.has(`${keyOf(entry)} ${entry.version}`))
      .map((entry) => [keyOf(entry), { at, details, version: entry.version }]),
  );
}

type Status = Pick<ResourceStatus, 'state' | 'updatedAt' | 'error'>;

function typeStatus(sync: SyncByKind, { kind, version }: SnapshotEntry, failed: FailedUpdate | undefined): Status {
  const type = sync[kind];
  const updatedAt = type?.ackedAt ?? type?.sentAt ?? null;
  if (failed) return { state: 'ERROR', updatedAt, error: failed };
  const error = type?.error ? { at: type.error.at, details: type.error.message, version } : null;
  return { state: type?.state ?? 'NOT_SENT', updatedAt, error };
}

/** What is only in the snapshot that is held back. */
function neverTaken(failed: ReadonlyMap<string, FailedUpdate>): ResourceStatus[] {
  return [...failed].map(([key, error]) => {
    const slash = key.indexOf('/');
    const [kind, name] = [key.slice(0, slash) as ResourceKind, key.slice(slash + 1)];
    return { kind, name, version: '', content: null, updatedAt: null, state: 'ERROR', error };
  });
}

/** The refusal of a type of which nothing is served, as where all of it was removed. */
function nameless(sync: SyncByKind, entries: readonly SnapshotEntry[]): ResourceStatus[] {
  return Object.entries(sync).flatMap(([key, { error, sentAt }]) => {
    const kind = key as ResourceKind;
    if (!error || entries.some((entry) => entry.kind === kind)) return [];
    const failed = { at: error.at, details: error.message, version: '' };
    return [{ kind, name: '', version: '', content: null, updatedAt: sentAt, state: 'ERROR', error: failed }];
  });
}

const keyOf = ({ kind, name }: SnapshotEntry): string => `${kind}/${name}`;
