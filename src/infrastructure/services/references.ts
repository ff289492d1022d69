import { isUuid } from '../../common/context/ids.js';
import type { Transaction } from '../../common/database/database.js';
import { problems } from '../../common/errors/problem.js';

/** A kind of thing that descriptions refer to. */
export interface Referable {
  readonly table: string;
  readonly nameColumn: string;
  /** How people call it. */
  readonly word: string;
  /** The rule that a finding names. */
  readonly rule: string;
}

export const VM: Referable = {
  table: 'virtual_machines',
  nameColumn: 'hostname',
  word: 'virtual machine',
  rule: 'reference.vm',
};
export const CONTAINER: Referable = {
  table: 'containers',
  nameColumn: 'name',
  word: 'container',
  rule: 'reference.container',
};
export const PROXY_GROUP: Referable = {
  table: 'proxy_groups',
  nameColumn: 'name',
  word: 'proxy group',
  rule: 'reference.proxy-group',
};

/**
 * The id of what an address in a description names, kept from going until the transaction ends; null for none.
 * @throws ProblemError 422 at the pointer where it leads nowhere
 */
export async function referTo(
  tx: Transaction,
  kind: Referable,
  text: string | undefined,
  pointer: string,
): Promise<string | null> {
  if (text === undefined) return null;
  const [column, value] = isUuid(text) ? ['id', text] : [kind.nameColumn, text.slice('name:'.length)];
  const rows = await tx.query<{ id: string }>(`select id from ${kind.table} where ${column} = $1 for key share`, [
    value,
  ]);
  const id = rows[0]?.id;
  if (id !== undefined) return id;
  throw invalidAt(pointer, kind.rule, `there is no ${kind.word} ${text}; make it first, or leave it out`);
}

/** One finding as a problem (422). */
export function invalidAt(pointer: string, rule: string, detail: string): Error {
  return problems.invalid({ detail, errors: [{ pointer, rule, detail, severity: 'error' }] });
}
