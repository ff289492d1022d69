import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDate, IsInt, ValidateBy, ValidateIf } from 'class-validator';
import { readTime } from '../clock/time-text.js';
import { MAX_NAME_LENGTH, nameProblem } from './address.js';
import { SchemaFacts } from './api-checks.js';

/** A field that need not be sent. Null is not the same as nothing: where it means something, the field says so itself. */
export const MayBeLeftOut = (): PropertyDecorator => ValidateIf((_, value: unknown) => value !== undefined);

/** What a text stands for; what it cannot be read as is left for the checks to refuse. */
const ReadText = (read: (text: string) => unknown): PropertyDecorator =>
  Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => {
    const sent = obj[key];
    return typeof sent === 'string' ? (read(sent) ?? sent) : sent;
  });

const WHOLE_NUMBER = /^(0|-?[1-9]\d{0,14})$/;

/** A whole number in a query, in decimal digits; `1e2`, `0x10` and blanks are none, though JavaScript makes numbers of them. */
export const IsNumberText = (): PropertyDecorator =>
  applyDecorators(
    ReadText((text) => (WHOLE_NUMBER.test(text) ? Number(text) : undefined)),
    IsInt({ message: '$property must be a whole number in decimal digits' }),
  );

/** A point in time, as text; numbers and truths are none, though JavaScript makes dates of them. */
export const IsTimeText = (): PropertyDecorator =>
  applyDecorators(ReadText(readTime), IsDate({ message: '$property must be a time like 2030-01-01T00:00:00Z' }));

/**
 * A check that says in words what is wrong; its sentence goes behind the name of the field.
 * @param facts what of it the OpenAPI document can say
 */
export function Check(
  name: string,
  problemOf: (value: unknown) => string | undefined,
  facts: SchemaFacts['facts'] = {},
): PropertyDecorator {
  return ValidateBy({
    name,
    constraints: [new SchemaFacts(facts)],
    validator: {
      validate: (value: unknown) => problemOf(value) === undefined,
      defaultMessage: (args) => `${args?.property ?? 'the value'} ${problemOf(args?.value) ?? 'is wrong'}`,
    },
  });
}

const NAME_FACTS = { minLength: 1, maxLength: MAX_NAME_LENGTH };

/** The name of a thing, or one that the thing goes by elsewhere. */
export const IsResourceName = (): PropertyDecorator => IsNameThat(nameProblem);

/** A name with a rule of its own. @param problemOf says what is wrong with it, or undefined */
export const IsNameThat = (problemOf: (name: string) => string | undefined): PropertyDecorator =>
  Check('name', (value) => (typeof value === 'string' ? problemOf(value) : 'must be a string'), NAME_FACTS);
