import { Conditions } from '../../common/http/list.js';
import type { LabelTerm } from '../labels.js';
import { afterPrefix } from '../name-prefix.js';

/** Where the labels of a kind of thing stand as rows. */
export interface LabelRows {
  readonly table: string;
  /** Its column that names the thing. */
  readonly owner: string;
  /** The id of the thing in the query around. */
  readonly id: string;
}

/**
 * Conditions that an index serves under row-level security: equality, ranges and label rows (DATA.md). Table and column names are the
 * program's own.
 */
export class ListConditions extends Conditions {
  prefix(column: string, prefix: string | undefined): void {
    if (prefix === undefined) return;
    this.add(`${column} >= ${this.param(prefix)}`);
    const end = afterPrefix(prefix);
    if (end !== undefined) this.add(`${column} < ${this.param(end)}`);
  }

  after(column: string, value: string | undefined): void {
    if (value !== undefined) this.add(`${column} > ${this.param(value)}`);
  }

  labels(terms: readonly LabelTerm[], { table, owner, id }: LabelRows): void {
    for (const { key, operator, values } of terms) {
      const isWanted = operator === 'in' || operator === 'exists';
      const row = `l.key = ${this.param(key)}${values.length === 0 ? '' : ` and l.value = any(${this.param(values)})`}`;
      this.add(
        isWanted
          ? `${id} in (select l.${owner} from ${table} l where ${row})`
          : `not exists (select from ${table} l where l.${owner} = ${id} and ${row})`,
      );
    }
  }
}
