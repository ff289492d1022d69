import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { isUuid } from '../context/ids.js';
import { problems } from '../errors/problem.js';

/** One page of a list; `nextCursor` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Query parameters of every list. */
export class PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 500, default: 50, description: 'Most items on a page.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit: number = 50;

  @ApiPropertyOptional({ description: 'Where the previous page ended: its `nextCursor`.' })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  cursor?: string;
}

/** Position after an item in a list ordered by name and id. Opaque to clients; it grants no access by itself. */
export interface NameCursor {
  readonly name: string;
  readonly id: string;
}

const encodeCursor = (cursor: NameCursor): string =>
  Buffer.from(JSON.stringify([cursor.name, cursor.id])).toString('base64url');

/** @throws ProblemError 400 for a text that this server did not make */
export function decodeCursor(text: string | undefined): NameCursor | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (Array.isArray(value) && value.length === 2) {
      const [name, id] = value as unknown[];
      if (typeof name === 'string' && typeof id === 'string' && isUuid(id) && !name.includes('\0')) {
        return { name, id };
      }
    }
  } catch {
    // Falls through to the one answer for every broken cursor.
  }
  throw problems.badRequest({ detail: 'The cursor was not given out by this list; start again without one.' });
}

/** Cuts a result that was read with one row more than the page takes. */
export function pageOf<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => NameCursor): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null };
}
