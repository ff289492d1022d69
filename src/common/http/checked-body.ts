import type { Type } from '@nestjs/common';
import { requestValidation } from './validation.js';

/** What a body of that class would become if it came over HTTP. @throws ProblemError 422 */
export async function checkedBody<T>(type: Type<T>, candidate: unknown): Promise<T> {
  return (await requestValidation().transform(candidate, { type: 'body', metatype: type })) as T;
}
