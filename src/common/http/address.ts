import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isUuid } from '../context/ids.js';
import { problems } from '../errors/problem.js';

/** How a caller names one resource: by id, or by name within the tenant (API.md "Addressing"). */
export type Address = { readonly id: string } | { readonly name: string };

/** Longest name of anything, in characters. */
export const MAX_NAME_LENGTH = 255;

/**
 * Characters that would break log lines, headers and terminals of whoever reads the name later, or make it look like another one: Cc, Cf
 * (changes of direction, spaces without width), Cs, Co and Cn, and separators of lines.
 */
const FORBIDDEN_IN_NAME = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Says what is wrong with a name, or undefined. Names are free text but for characters that nobody sees, and outer blanks. */
export function nameProblem(name: string): string | undefined {
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) return `must have 1 to ${MAX_NAME_LENGTH} characters`;
  const [forbidden] = FORBIDDEN_IN_NAME.exec(name) ?? [];
  if (forbidden !== undefined) {
    const code = (forbidden.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `must not contain U+${code}: control, formatting, private-use and unassigned characters are refused in names`;
  }
  if (name.trim() !== name) return 'must not begin or end with a blank';
  return undefined;
}

/**
 * Reads `name:<name>` or a UUID.
 * @throws ProblemError 404 for anything else: such a thing does not exist
 */
export function parseAddress(text: string): Address {
  if (isUuid(text)) return { id: text.toLowerCase() };
  if (text.startsWith('name:') && nameProblem(text.slice(5)) === undefined) return { name: text.slice(5) };
  throw problems.notFound({ detail: `"${text.slice(0, 80)}" is neither a UUID nor name:<name>` });
}

/** The `{id}` of the path as an Address. */
export const AddressParam = createParamDecorator(
  (parameter: string | undefined, execution: ExecutionContext): Address => {
    const params = execution.switchToHttp().getRequest<FastifyRequest>().params as Record<string, string>;
    return parseAddress(params[parameter ?? 'id'] ?? '');
  },
);
