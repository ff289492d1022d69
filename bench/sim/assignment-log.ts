import pg from 'pg';
import type { Kind } from './client/kinds.ts';
import { type Reference, referencesIn } from './client/names.ts';
import { endpointsIn } from './client/resource.ts';
import type { Served, Snapshot } from './judge/facts.ts';

/** Notes each change of what a proxy is to be served, whoever makes it, with the transaction that makes it. */
const LOG = `
  create schema sim;
  create table sim.log (
    seq bigint generated always as identity primary key, at double precision not null, proxy_id uuid not null,
    hash text, good text, tried text not null);
  create function sim.note() returns trigger language plpgsql security definer set search_path = public as $$
  begin
    insert into sim.log (at, proxy_id, hash, good, tried)
    select extract(epoch from clock_timestamp()) * 1000, a.proxy_id,
           case when q.held then coalesce(a.good_hash, a.snapshot_hash) else a.snapshot_hash end, a.good_hash,
           array_to_string(a.tried, ',')
      from proxy_assignments a
      left join proxy_quarantines q
        on q.tenant_id = a.tenant_id and q.proxy_id = a.proxy_id and q.snapshot_hash = a.snapshot_hash
     where a.proxy_id = coalesce(new.proxy_id, old.proxy_id);
    return null;
  end $$;
  create trigger sim_note after insert or update or delete on proxy_assignments for each row execute function sim.note();
  create trigger sim_note after insert or update or delete on proxy_quarantines for each row execute function sim.note();`;

interface LogRow {
  readonly seq: string;
  readonly at: number;
  readonly proxy_id: string;
  readonly hash: string | null;
  readonly good: string | null;
  readonly tried: string;
}

interface ResourceRow {
  readonly kind: Kind;
  readonly hash: string;
  readonly name: string;
  readonly value: Buffer;
}

/** So many may be on their way at once. */
const UNCOMMITTED = 20_000;

const NO_REFERENCES: readonly Reference[] = [];

/** What the database says that proxies were to be served, when, and what that was. */
export class AssignmentLog {
  private readonly client: pg.Client;
  private readonly entries = new Map<string, Served[]>();
  private readonly snapshots = new Map<string, Snapshot>();
  private readonly referencesOf = new Map<string, readonly Reference[]>();
  private readonly endpointsOf = new Map<string, string>();
  private readonly triedOf = new Map<string, readonly string[]>();
  private last = 0;
  private seen: ReadonlySet<string> = new Set();

  private constructor(client: pg.Client) {
    this.client = client;
  }

  /** Begins to keep it, as a superuser of the simulation's own database. */
  static async begin(url: string): Promise<AssignmentLog> {
    const client = new pg.Client({ connectionString: url });
    // Where the simulation is told to end, the database goes first; whoever reads then is told by the query.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(LOG);
    return new AssignmentLog(client);
  }

  /** Reads what is new. */
  async read(): Promise<void> {
    // Numbers are given before they are committed, so one that is lower may be seen later.
    const { rows: found } = await this.client.query<LogRow>('select * from sim.log where seq > $1 order by seq', [
      this.last - UNCOMMITTED,
    ]);
    const rows = found.filter(({ seq }) => !this.seen.has(seq));
    for (const { at, proxy_id: proxy, hash, good, tried } of rows) {
      const entries = this.entries.get(proxy) ?? [];
      entries.push({ at, hash, good, tried: this.tried(tried) });
      this.entries.set(proxy, entries);
    }
    this.last = Number(found.at(-1)?.seq ?? 0);
    this.seen = new Set(found.map(({ seq }) => seq));
    await this.readSnapshots(
      new Set(rows.flatMap(({ hash, good, tried }) => [hash ?? '', good ?? '', ...tried.split(',')])),
    );
  }

  served(proxy: string): readonly Served[] {
    return this.entries.get(proxy) ?? [];
  }

  snapshot(hash: string): Snapshot | undefined {
    return this.snapshots.get(hash);
  }

  references(version: string): readonly Reference[] {
    return this.referencesOf.get(version) ?? NO_REFERENCES;
  }

  /** An endpoint set in words, as `endpointsIn` has them; empty for anything else. */
  endpoints(version: string): string {
    return this.endpointsOf.get(version) ?? '';
  }

  /** Ends the connections on which replicas listen for each other. @returns how many there were */
  async silenceDoorbells(): Promise<number> {
    const { rowCount } = await this.client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'efms doorbell' and datname = current_database()`,
    );
    return rowCount ?? 0;
  }

  end(): Promise<void> {
    return this.client.end();
  }

  private tried(text: string): readonly string[] {
    let tried = this.triedOf.get(text);
    if (!tried) this.triedOf.set(text, (tried = text === '' ? [] : text.split(',')));
    return tried;
  }

  private async readSnapshots(hashes: ReadonlySet<string>): Promise<void> {
    const news = [...hashes].filter((hash) => !this.snapshots.has(hash));
    if (news.length === 0) return;
    const { rows } = await this.client.query<{
      hash: string;
      resources: { kind: Kind; name: string; version?: string }[];
    }>('select distinct on (hash) hash, resources from snapshots where hash = any($1)', [news]);
    const versions = new Set<string>();
    for (const { hash, resources } of rows) {
      const ofKind = (wanted: Kind): [string, string][] =>
        resources.flatMap(({ kind, name, version = '' }) => (kind === wanted ? [[name, version]] : []));
      const kinds = {
        cluster: new Map(ofKind('cluster')),
        endpoint: new Map(ofKind('endpoint')),
        secret: new Map(ofKind('secret')),
        listener: new Map(ofKind('listener')),
        route: new Map(ofKind('route')),
      };
      this.snapshots.set(hash, { hash, kinds });
      for (const { version } of resources) if (version !== undefined) versions.add(version);
    }
    await this.readResources([...versions].filter((version) => !this.referencesOf.has(version)));
  }

  private async readResources(versions: readonly string[]): Promise<void> {
    const { rows } = await this.client.query<ResourceRow>(
      'select distinct on (hash) kind, hash, name, value from snapshot_resources where hash = any($1)',
      [versions],
    );
    for (const { kind, hash, name, value } of rows) {
      this.referencesOf.set(hash, referencesIn(kind, name, value));
      if (kind === 'endpoint') this.endpointsOf.set(hash, endpointsIn(value));
    }
  }
}
