import { type ArgumentMetadata, type ValidationError, ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, IS_OPTIONAL } from 'class-validator';
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
    const checked: unknown = await super.transform(value, metadata);
    leaveOutNulls(checked);
    return checked;
  }
}

/** Many clients write null for what they have nothing to say of: for an optional field of a DTO it is the same as leaving it out. */
function leaveOutNulls(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    value.forEach(leaveOutNulls);
    return;
  }
  const type = value.constructor;
  // What no DTO describes may hold nulls that mean something.
  if (typeof type !== 'function' || type === Object) return;
  const optional = new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(type, '', false, false)
      .filter(({ name }) => name === IS_OPTIONAL)
      .map(({ propertyName }) => propertyName),
  );
  const unsaid = new (type as new () => Record<string, unknown>)();
  for (const [key, member] of Object.entries(value)) {
    if (member === null && optional.has(key)) Reflect.set(value, key, unsaid[key]);
    else leaveOutNulls(member);
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
