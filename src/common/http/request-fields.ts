import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDate, ValidateIf } from 'class-validator';

/** A field that need not be sent. Null is not the same as nothing: where it means something, the field says so itself. */
export const MayBeLeftOut = (): PropertyDecorator => ValidateIf((_, value: unknown) => value !== undefined);

/** A point in time, as text; numbers and truths are none, though JavaScript makes dates of them. */
export const IsTimeText = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => {
      const sent = obj[key];
      return typeof sent === 'string' ? new Date(sent) : sent;
    }),
    IsDate({ message: '$property must be a time like 2030-01-01T00:00:00Z' }),
  );
