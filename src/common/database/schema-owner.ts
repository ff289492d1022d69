import pg from 'pg';

/** The role that owns the schema, where this process may act as it: with the embedded database, or with `DATABASE_OWNER_URL`. */
export class SchemaOwner {
  constructor(private readonly url: string | undefined) {}

  get isKnown(): boolean {
    return this.url !== undefined;
  }

  /** Runs SQL as the owner on a connection of its own. Whoever waits two seconds for a lock is in somebody's way, and gives up. */
  async run(work: (client: Pick<pg.Client, 'query'>) => Promise<void>): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 });
    await client.connect();
    try {
      await client.query("set lock_timeout = '2s'; set statement_timeout = '60s'");
      await work(client);
    } finally {
      await client.end();
    }
  }
}
