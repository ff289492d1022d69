import { ApiParam } from '@nestjs/swagger';
import { problems } from '../../common/errors/problem.js';

/** Documents the number of a version in the path. */
export const ApiNumber = (): MethodDecorator => ApiParam({ name: 'number', schema: { type: 'integer', example: 1 } });

/** @throws ProblemError 404 for a text that is no such number */
export function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw problems.notFound({ detail: `"${text.slice(0, 80)}" is not the number of a version.` });
}
