import { type ValidationError, ValidationPipe } from '@nestjs/common';
import { type Finding, pointerTo } from '../errors/finding.js';
import { problems } from '../errors/problem.js';

/** Checks every DTO: unknown fields refused, each failure with a pointer into the body. Answers 422. */
export function requestValidation(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transform: true,
    forbidUnknownValues: true,
    exceptionFactory: (errors) =>
      problems.invalid({ detail: 'See errors.', errors: errors.flatMap((e) => findingsOf(e, '')) }),
  });
}

function findingsOf(error: ValidationError, parent: string): readonly Finding[] {
  const pointer = pointerTo(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, detail]): Finding => ({
    pointer,
    rule: `request.${rule === 'whitelistValidation' ? 'unknown-field' : rule}`,
    detail: rule === 'whitelistValidation' ? `${error.property} is not a field of this request; remove it` : detail,
    severity: 'error',
  }));
  return [...own, ...(error.children ?? []).flatMap((child: ValidationError) => findingsOf(child, pointer))];
}
