import { applyDecorators, HttpCode, Post, type Type } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { ApiProblems } from '../api-problems.js';
import { DryRun } from '../dry-run.js';
import { RequirePermission } from '../permission.js';
import type { BatchBodies } from './batch-bodies.js';
import { BatchAnswerDto, LONGEST_ADDRESS, LONGEST_IF_MATCH, MOST_ITEMS } from './batch.dto.js';

type AnySchema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];
type Schema = Exclude<AnySchema, { $ref: string }>;

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
  const items = { type: 'array', minItems: 1, maxItems: MOST_ITEMS, items: itemSchema(create, put, patch) };
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
    ApiExtraModels(create, put, patch),
    ApiBody({ schema: { type: 'object', required: ['items'], properties: { items } } }),
    ApiOkResponse({ type: BatchAnswerDto }),
    ApiProblems(400, 401, 403, 409, 412, 413, 422, 428),
  );
}

/** An item is one of four shapes, told apart by `action`. */
function itemSchema(create: Type, put: Type, patch: Type): Schema {
  const id = {
    type: 'string',
    maxLength: LONGEST_ADDRESS,
    description: 'UUID or `name:<name>`, not percent-encoded.',
  } as const;
  const ifMatch = {
    type: 'string',
    maxLength: LONGEST_IF_MATCH,
    description: 'The ETag last read, or `*`, as in the header of that name.',
  } as const;
  const shape = (action: string, fields: Record<string, AnySchema>): Schema => ({
    type: 'object',
    required: ['action', ...Object.keys(fields).filter((field) => field !== 'ifMatch')],
    properties: { action: { type: 'string', enum: [action] }, ...fields },
  });
  const bodyOf = (model: Type): AnySchema => ({ $ref: getSchemaPath(model) });
  return {
    oneOf: [
      shape('create', { body: bodyOf(create) }),
      shape('put', { id, ifMatch, body: bodyOf(put) }),
      shape('patch', { id, ifMatch, body: bodyOf(patch) }),
      shape('delete', { id, ifMatch }),
    ],
  };
}
