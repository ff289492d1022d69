import { Conditions } from '../../common/http/list.js';
import type { LabelTerm } from '../labels.js';
import { afterPrefix } from '../name-prefix.js';

/** Where the labels of a kind of thing stand as rows. */
export interface LabelRows {
  readonly table: string;
  /** Its column that names the thing. */
  readonly owner: string;
  /** How the query around calls the thing, which has its `id` and its `labels`. */
  readonly thing: string;
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

  /** What must be there is looked up; what must not be there is looked for in the thing itself, since no index finds what is absent. */
  labels(terms: readonly LabelTerm[], { table, owner, thing }: LabelRows): void {
    for (const { key: name, operator, values } of terms) {
      const key = this.param(name);
      const wanted = values.length === 0 ? undefined : this.param(values);
      if (operator === 'in' || operator === 'exists') {
        const row = `l.key = ${key}${wanted === undefined ? '' : ` and l.value = any(${wanted})`}`;
        this.add(`${thing}.id in (select l.${owner} from ${table} l where ${row})`);
      } else if (wanted === undefined) {
        this.add(`not ${thing}.labels ? ${key}::text`);
      } else {
        this.add(`coalesce(${thing}.labels ->> ${key}::text <> all(${wanted}::text[]), true)`);
      }
    }
  }
}
