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
  return (await referToAll(tx, kind, [text], pointer))(text);
}

/** The same for many descriptions, in one query. @returns the id of any of the addresses */
export async function referToAll(
  tx: Transaction,
  kind: Referable,
  texts: readonly (string | undefined)[],
  pointer: string,
): Promise<(text: string | undefined) => string | null> {
  const wanted = [...new Set(texts.filter((text) => text !== undefined))];
  const ids = new Map<string, string>();
  for (const [column, some] of [
    ['id', wanted.filter((text) => isUuid(text))],
    [kind.nameColumn, wanted.filter((text) => !isUuid(text))],
  ] as const) {
    if (some.length === 0) continue;
    const rows = await tx.query<{ id: string; called: string }>(
      `select id, ${column}::text as called from ${kind.table} where ${column} = any($1) order by id for key share`,
      [some.map((text) => addressed(text))],
    );
    for (const { id, called } of rows) ids.set(called, id);
  }
  const missing = wanted.find((text) => !ids.has(addressed(text)));
  if (missing !== undefined) {
    throw invalidAt(pointer, kind.rule, `there is no ${kind.word} ${missing}; make it first, or leave it out`);
  }
  return (text) => (text === undefined ? null : (ids.get(addressed(text)) ?? null));
}

/** The id or name in an address. */
const addressed = (text: string): string => (isUuid(text) ? text.toLowerCase() : text.slice('name:'.length));

/** One finding as a problem (422). */
export function invalidAt(pointer: string, rule: string, detail: string): Error {
  return problems.invalid({ detail, errors: [{ pointer, rule, detail, severity: 'error' }] });
}
