import { createHash } from 'node:crypto';
import type { Type } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { MayBeLeftOut } from './request-fields.js';
import { readTime } from '../clock/time-text.js';
import { isUuid } from '../context/ids.js';
import { problems } from '../errors/problem.js';
import { type Page, PageQuery } from './page.js';

/** Query parameters of a list that can be sorted. @param example of an order that this list has */
export function SortedBy(example: string): Type<PageQuery & { sort?: string }> {
  class SortedQuery extends PageQuery {
    @ApiPropertyOptional({
      example,
      description: 'Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.',
    })
    @MayBeLeftOut()
    @IsString()
    @MaxLength(200)
    sort?: string;
  }
  return SortedQuery;
}

/** Query parameters of lists that can be sorted by time of creation. */
export class ListQuery extends SortedBy('-createdAt') {}

/** What a list may be sorted by. The column must not be null and must be served by an index where the list can be long. */
export interface SortKey {
  /** SQL, the program's own. */
  readonly column: string;
  readonly type: 'text' | 'timestamptz' | 'bigint' | 'uuid';
  /** No two rows of the list have the same value, so that what is sorted behind it does not matter. */
  readonly unique?: true;
}

/** A list of the API: how it is called in cursors, what it is sorted by, and the column that ends every order. */
export interface ListDefinition {
  readonly name: string;
  readonly keys: Readonly<Record<string, SortKey>>;
  readonly defaultSort: string;
  readonly id: SortKey;
}

/** What is asked of a list. A cursor goes on only in the list, tenant, order and filters that it was given out for. */
export interface ListRequest {
  readonly tenantId: string;
  readonly query: ListQuery;
  /** Everything else that decides which rows are in the list. */
  readonly filters?: object;
}

/** Collects the conditions of a query and their parameters; values are always parameters. */
export class Conditions {
  readonly params: unknown[] = [];
  private readonly conditions: string[] = ['true'];

  /** All of them, to stand behind `where`. */
  get sql(): string {
    return this.conditions.join(' and ');
  }

  /** The placeholder of a further parameter. */
  param(value: unknown): string {
    return `$${this.params.push(value)}`;
  }

  add(condition: string): void {
    this.conditions.push(condition);
  }

  /** Nothing is asked for where the value is absent. */
  equal(column: string, value: unknown): void {
    if (value !== undefined) this.add(`${column} = ${this.param(value)}`);
  }
}

interface OrderedKey extends SortKey {
  readonly falls: boolean;
}

/** A row of the query with its place in the list. */
export interface Placed {
  readonly place: readonly string[];
}

/**
 * One page of a list by keyset: it costs the same however far it is from the beginning, and rows that come or go meanwhile move no other.
 * Select `placeColumn` too, let `addTo` complete the conditions, put `order` behind them, and give the rows to `page`.
 */
export class ListPage {
  private readonly keys: readonly OrderedKey[];
  private readonly limit: number;
  private readonly binding: string;
  private readonly after: readonly string[] | undefined;

  /** @throws ProblemError 422 for a key that the list is not sorted by, 400 for a cursor of another list, order or filter */
  constructor(definition: ListDefinition, { tenantId, query, filters }: ListRequest) {
    this.limit = query.limit;
    const sort = query.sort ?? definition.defaultSort;
    this.keys = readSort(definition, sort);
    this.binding = createHash('sha256')
      .update(JSON.stringify([definition.name, tenantId, sort, filters ?? {}]))
      .digest('base64url')
      .slice(0, 16);
    this.after = this.readCursor(query.cursor);
  }

  /** In PostgreSQL's own text, which loses nothing of a time. */
  get placeColumn(): string {
    return `json_build_array(${this.keys.map(({ column }) => `(${column})::text`).join(', ')}) as place`;
  }

  /** Leaves out what stands before the page. */
  addTo(conditions: Conditions): void {
    if (!this.after) return;
    const marks = this.after.map((value, i) => `${conditions.param(value)}::text::${this.keys[i]?.type ?? 'text'}`);
    conditions.add(keysetCondition(this.keys, marks));
  }

  /** ORDER BY alone, for a query around the one that has the limit. */
  get orderBy(): string {
    return `order by ${this.keys.map(({ column, falls }) => `${column}${falls ? ' desc' : ''}`).join(', ')}`;
  }

  /**
   * ORDER BY and LIMIT; one row more than the page takes shows whether there is a next one. The number stands in the text, because for a
   * parameter the planner expects a tenth of all rows, and plans each page anew.
   */
  get order(): string {
    return `${this.orderBy} limit ${this.limit + 1}`;
  }

  page<Row extends Placed, Item>(rows: readonly Row[], itemOf: (row: Row) => Item): Page<Item> {
    const kept = rows.slice(0, this.limit);
    const last = kept.at(-1);
    const nextCursor = rows.length > this.limit && last ? encode([this.binding, ...last.place]) : null;
    return { items: kept.map(itemOf), nextCursor };
  }

  private readCursor(cursor: string | undefined): readonly string[] | undefined {
    if (cursor === undefined) return undefined;
    const [binding, ...place] = decode(cursor) ?? [];
    const fits =
      binding === this.binding &&
      place.length === this.keys.length &&
      place.every((value, i) => isValueOf(this.keys[i]?.type, value));
    if (fits) return place;
    throw problems.badRequest({
      detail: 'The cursor was not given out by this list with this sort and these filters; start again without one.',
    });
  }
}

const encode = (parts: readonly string[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');

function decode(cursor: string): readonly string[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : undefined;
  } catch {
    return undefined;
  }
}

/** As PostgreSQL writes it in UTC. */
const TIMESTAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;

function isValueOf(type: SortKey['type'] | undefined, value: string): boolean {
  switch (type) {
    case 'uuid':
      return isUuid(value);
    case 'bigint':
      return /^-?\d{1,18}$/.test(value);
    case 'timestamptz':
      return TIMESTAMP.test(value) && readTime(`${value.replace(' ', 'T')}:00`) !== undefined;
    default:
      return value.isWellFormed() && !value.includes('\0');
  }
}

function readSort({ keys, id }: ListDefinition, sort: string): readonly OrderedKey[] {
  const order: OrderedKey[] = [];
  const seen = new Set<string>();
  for (const term of sort.split(',')) {
    const falls = term.startsWith('-');
    const name = falls ? term.slice(1) : term;
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (!key || seen.has(name)) throw unsortable(name, Object.keys(keys));
    seen.add(name);
    if (order.at(-1)?.unique !== true) order.push({ ...key, falls });
  }
  return order.at(-1)?.unique === true ? order : [...order, { ...id, falls: order.at(-1)?.falls ?? false }];
}

function unsortable(name: string, known: readonly string[]): Error {
  const detail = `sort by ${known.join(', ')}, each at most once; "${name.slice(0, 80)}" is none of them`;
  return problems.invalid({
    detail: 'See errors.',
    errors: [{ pointer: '/sort', rule: 'request.sort', detail, severity: 'error' }],
  });
}

/** What stands behind the marks: where all keys go one way, as one comparison of rows, which an index serves as a range. */
function keysetCondition(order: readonly OrderedKey[], marks: readonly string[]): string {
  const beyond = ({ falls }: OrderedKey): string => (falls ? '<' : '>');
  const [first] = order;
  if (first && order.every(({ falls }) => falls === first.falls)) {
    return `(${order.map(({ column }) => column).join(', ')}) ${beyond(first)} (${marks.join(', ')})`;
  }
  const branches = order.map((key, i) => {
    const equal = order.slice(0, i).map(({ column }, j) => `${column} = ${marks[j] ?? ''}`);
    return [...equal, `${key.column} ${beyond(key)} ${marks[i] ?? ''}`].join(' and ');
  });
  // The first key bounds every branch: said apart, it is a range that an index serves.
  const bound = first ? `${first.column} ${beyond(first)}= ${marks[0] ?? ''}` : 'true';
  return `${bound} and (${branches.map((branch) => `(${branch})`).join(' or ')})`;
}
