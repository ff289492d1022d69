import pg from 'pg';
import type { Planning } from './transaction.js';

/** A statement that only reads. */
export interface SingleRead {
  /** Empty for none. */
  readonly tenantId: string;
  readonly sql: string;
  readonly params: readonly unknown[];
  readonly plan: Planning;
}

/** The values of a row in PostgreSQL's text. */
type RawRow = readonly (string | null)[];

/** Makes objects of rows that have the same columns. */
export interface RowShape {
  addFields(columns: readonly pg.FieldDef[]): void;
  parseRow(values: RawRow): object;
}

type Types = pg.PoolConfig['types'];

/** Parts of `pg` that its type declarations leave out; `pg-cursor` is made of them too. */
const { Result, utils } = pg as unknown as {
  readonly Result: new (mode: undefined, types: Types) => RowShape;
  readonly utils: { prepareValue(value: unknown): string | Buffer | null };
};

/** Sets the tenant, for this transaction alone. */
const OPENING = {
  name: 'efms_tenant',
  sql: `select set_config('app.current_tenant', $1, true), set_config('transaction_read_only', 'on', true)`,
};

/**
 * One read, as `pg` takes it in place of a query of its own. All that is sent before the Sync is one transaction, and after an error
 * PostgreSQL skips the rest of it ("Pipelining" in its manual).
 */
export class Exchange implements pg.Submittable {
  /** Set by `pg`, which gives the connection up where it is not called in time. */
  callback: (() => void) | undefined;
  private readonly ended = Promise.withResolvers<undefined>();
  private readonly name: string;
  private readonly values: (string | Buffer | null)[];
  private readonly raw: RawRow[] = [];
  private shape: RowShape | undefined;
  private isOpened = false;

  /** @param prepared what the connection has prepared, by name */
  constructor(
    private readonly read: SingleRead,
    private readonly prepared: Map<string, RowShape>,
    private readonly types: Types,
  ) {
    // Without a name, a statement is planned anew.
    this.name = read.plan === 'kept' ? nameOf(read.sql) : '';
    this.shape = prepared.get(this.name);
    this.values = read.params.map((param) => utils.prepareValue(param));
  }

  /** Settled when the transaction has ended. */
  async rows(): Promise<object[]> {
    await this.ended.promise;
    const { shape } = this;
    return shape ? this.raw.map((values) => shape.parseRow(values)) : [];
  }

  submit(connection: pg.Connection): void {
    const { name, read, shape, values } = this;
    connection.stream.cork();
    if (!this.prepared.has(OPENING.name)) prepare(connection, OPENING);
    connection.bind({ statement: OPENING.name, values: [read.tenantId] }, true);
    connection.execute(null, true);
    if (!shape) prepare(connection, { name, sql: read.sql });
    connection.bind({ statement: name, values }, true);
    if (!shape) connection.describe({ type: 'P' }, true);
    connection.execute(null, true);
    connection.sync();
    connection.stream.uncork();
  }

  handleRowDescription({ fields }: { readonly fields: readonly pg.FieldDef[] }): void {
    this.shape = new Result(undefined, this.types);
    this.shape.addFields(fields);
    if (this.name !== '') this.prepared.set(this.name, this.shape);
  }

  handleDataRow({ fields }: { readonly fields: RawRow }): void {
    if (this.isOpened) this.raw.push(fields);
  }

  handleCommandComplete(): void {
    if (!this.isOpened) this.prepared.set(OPENING.name, new Result(undefined, this.types));
    this.isOpened = true;
  }

  handleReadyForQuery(): void {
    this.callback?.();
    this.ended.resolve(undefined);
  }

  handleError(error: Error): void {
    // It may be that what was prepared is no longer what it was: a migration can change the columns.
    this.prepared.clear();
    this.callback?.();
    this.ended.reject(error);
  }
}

/** Most texts of which plans are kept, whatever is asked for: each costs memory in every session. */
const MOST_KEPT = 300;
/** By text. */
const names = new Map<string, string>();

/** Empty where there are too many already. */
function nameOf(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined || names.size >= MOST_KEPT) return known ?? '';
  const name = `efms_${names.size}`;
  names.set(sql, name);
  return name;
}

/** Closed first, because a read that failed may have prepared it. */
function prepare(connection: pg.Connection, { name, sql }: { readonly name: string; readonly sql: string }): void {
  connection.close({ type: 'S', name }, true);
  connection.parse({ name, text: sql, types: [] }, true);
}
