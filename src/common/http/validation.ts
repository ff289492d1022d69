import { type ArgumentMetadata, type ValidationError, ValidationPipe } from '@nestjs/common';
import { textFinding } from '../documents/document-text.js';
import { type Finding, pointerTo } from '../errors/finding.js';
import { problems } from '../errors/problem.js';

/** Of a body that is null, which would be taken for one that says nothing. */
const NO_OBJECT: Finding = {
  pointer: '',
  rule: 'request.object',
  detail: 'the body must be an object',
  severity: 'error',
};

/** Looks at bodies and queries as a whole first, also at those that no DTO describes. */
class RequestValidation extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const isChecked = metadata.type === 'body' || metadata.type === 'query';
    const finding = isChecked ? (value === null ? NO_OBJECT : textFinding(value)) : undefined;
    if (finding) throw problems.invalid({ detail: 'See errors.', errors: [finding] });
    return super.transform(value, metadata);
  }
}

/**
 * Checks every DTO: unknown fields and texts that cannot be stored refused, each failure with a pointer into the body. Answers 422.
 */
export function requestValidation(): ValidationPipe {
  return new RequestValidation({
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
