import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, getSchemaPath } from '@nestjs/swagger';

/** An answer of many things, one after the other, in a form that JSON Schema cannot look into. */
interface StreamOptions {
  readonly mediaType: 'text/event-stream' | 'application/x-ndjson';
  /** What one event or one line holds. */
  readonly item: Type;
  readonly description: string;
  readonly example: string;
}

/**
 * Declares an answer that is a stream. OpenAPI 3.1 has no word for the schema of one item (3.2 calls it `itemSchema`), so it stands in the
 * extension `x-item-schema`, which the generated client and the tests read.
 */
export function ApiStream({ mediaType, item, description, example }: StreamOptions): MethodDecorator {
  const media = { schema: { type: 'string' }, example, 'x-item-schema': { $ref: getSchemaPath(item) } };
  return applyDecorators(ApiExtraModels(item), ApiOkResponse({ description, content: { [mediaType]: media } }));
}
