import { applyDecorators, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { ApiProblems } from '../api-problems.js';
import { DryRun } from '../dry-run.js';
import { RequirePermission } from '../permission.js';
import type { BatchBodies } from './batch-bodies.js';
import { BatchAnswerDto, BatchItemDto, MOST_ITEMS } from './batch.dto.js';

interface BatchRouteOptions {
  /** Of the collection, under `/api/v1/`. */
  readonly path: string;
  readonly tag: string;
  readonly permission: `${string}:write`;
  /** What is written, in the plural. */
  readonly what: string;
}

/** `POST /<collection>:batch`: many writes of one collection, all or nothing. Stands on a method of a controller without a path. */
export function BatchRoute<Put extends object, Create extends Put, Request>(
  { path, tag, permission, what }: BatchRouteOptions,
  { create, put, patch }: BatchBodies<Put, Create, Request>,
): MethodDecorator {
  const bodies = [create, put, patch];
  // In allOf, so that the document's example has a body: that of the first action.
  const body = { allOf: [{ oneOf: bodies.map((model) => ({ $ref: getSchemaPath(model) })) }] };
  const item = { allOf: [{ $ref: getSchemaPath(BatchItemDto) }, { type: 'object', properties: { body } }] };
  const items = { type: 'array', minItems: 1, maxItems: MOST_ITEMS, items: item };
  return applyDecorators(
    ApiTags(tag),
    // The router wants a colon that begins no parameter twice.
    Post(`${path}::batch`),
    HttpCode(200),
    RequirePermission(permission),
    DryRun(),
    ApiOperation({
      summary: `Write many ${what} at once, or none`,
      description: `Up to ${MOST_ITEMS.toLocaleString('en')} items, each as if its own call came after those before it, by the same rules. If one is refused nothing is changed, and \`errors\` points at all that could be found.`,
    }),
    ApiExtraModels(BatchItemDto, ...bodies),
    ApiBody({ schema: { type: 'object', required: ['items'], properties: { items } } }),
    ApiOkResponse({ type: BatchAnswerDto }),
    ApiProblems(400, 401, 403, 409, 412, 413, 422, 428),
  );
}
