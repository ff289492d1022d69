import { Transform } from 'class-transformer';

/** Keeps free-form JSON as it was sent: class-transformer would silently leave out some keys. */
export const RawJson = (): PropertyDecorator =>
  Transform(({ obj, key }: { obj: Record<string, unknown>; key: string }) => obj[key]);
