import type { OpenAPIObject } from '@nestjs/swagger';
import { exampleOf } from './api-examples.js';
import { PROBLEM, problemResponse } from './api-problems.js';
import { DOCUMENTED_PERMISSION, type Permission } from './permission.js';
import { PROBLEM_BASE, PROBLEM_OF_STATUS } from './problem.filter.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;
type Parameter = Exclude<NonNullable<Operation['parameters']>[number], { $ref: string }>;
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];

const API = /^\/api\//;

const TENANT = {
  name: 'X-EFMS-Tenant',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'Id or name of the tenant to act in; for platform admins, and audited there.',
} as const;

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description:
    'A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.',
} as const;

const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: '`*`: only make it; 412 where it is there.',
} as const;

const LINK = {
  description: 'The next page as `<…>; rel="next"` (RFC 8288), where there is one.',
  schema: { type: 'string' },
} as const;

/** Adds to a document what holds for every operation, so that no route has to say it: headers, and the refusals that come of them. */
export function describeConventions(document: OpenAPIObject): OpenAPIObject {
  const schemas = document.components?.schemas ?? {};
  const problem = schemas[PROBLEM];
  if (problem && 'type' in problem) problem.additionalProperties = true;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      describePermission(operation);
      if (API.test(path)) describe(operation, method);
      closeBody(operation, schemas);
      showExamples(operation, schemas);
    }
  }
  return document;
}

/** Says who may call an operation. */
function describePermission(operation: Operation): void {
  const permission = permissionOf(operation);
  const isPublic = permission === 'public';
  if (isPublic) operation.security = [];
  const needs = isPublic
    ? 'Needs no credential.'
    : permission === 'authenticated'
      ? 'Any credential will do.'
      : `Needs \`${permission}\`.`;
  operation.description = [operation.description, needs].filter((part) => part).join(' ');
}

function describe(operation: Operation, method: Method): void {
  const isGuarded = permissionOf(operation) !== 'public';
  for (const status of refusals(operation, method)) operation.responses[status] ??= problemResponse(status);
  const { parameters = [], responses } = operation;
  for (const parameter of parametersIn(operation, 'path')) parameter.schema = { type: 'string', ...parameter.schema };
  const isConditional = parametersIn(operation, 'header').some(({ name }) => name.toLowerCase() === 'if-match');
  const shared = [
    ...(method === 'put' && isConditional ? [IF_NONE_MATCH] : []),
    TENANT,
    ...(method === 'post' ? [IDEMPOTENCY_KEY] : []),
  ];
  if (isGuarded) operation.parameters = [...parameters, ...shared];
  const page = responses['200'];
  const isList = method === 'get' && parametersIn(operation, 'query').some(({ name }) => name === 'cursor');
  if (isList && page && 'description' in page) page.headers = { ...page.headers, Link: LINK };
}

/** What every operation of that kind may answer. */
function refusals(operation: Operation, method: Method): readonly number[] {
  const isGuarded = permissionOf(operation) !== 'public';
  return [
    ...(parametersIn(operation, 'path').length > 0 ? [400, 404, 414] : []),
    ...(operation.requestBody ? [400, 413, 415, 422] : []),
    ...(isGuarded ? [401, 403, 404] : []),
    // Of the Idempotency-Key; a body that a route does not look at is read all the same.
    ...(isGuarded && method === 'post' ? [400, 409, 413, 415, 422] : []),
    // Of query parameters that it does not take.
    422,
    // Of an address and headers that are too long to be read.
    431,
    503,
  ];
}

function parametersIn({ parameters = [] }: Operation, place: Parameter['in']): readonly Parameter[] {
  return parameters.filter((parameter): parameter is Parameter => 'in' in parameter && parameter.in === place);
}

/** Unknown fields of a body are refused, and the document says so: of what it names, and of what that holds. */
function closeBody(operation: Operation, schemas: Schemas): void {
  if (operation.requestBody && 'content' in operation.requestBody) close(operation.requestBody.content, schemas);
}

/** Gives every body an example that can be pasted: of requests, of answers, and of the problems that they may end in. */
function showExamples({ requestBody, responses }: Operation, schemas: Schemas): void {
  if (requestBody && 'content' in requestBody)
    for (const media of Object.values(requestBody.content)) show(media, schemas);
  for (const [status, response] of Object.entries(responses)) {
    if (!response || !('content' in response)) continue;
    const problem = PROBLEM_OF_STATUS.get(Number(status))?.();
    for (const [type, media] of Object.entries(response.content ?? {})) {
      if (type === 'application/problem+json' && problem) {
        const told = { type: PROBLEM_BASE + problem.code, title: problem.definition.title, status: Number(status) };
        media.example = { ...told, instance: '/api/v1/…', requestId: '01890a5d-ac96-774b-bcce-b302099a8057' };
      } else show(media, schemas);
    }
  }
}

interface Media {
  schema?: Schemas[string];
  example?: unknown;
  examples?: Readonly<Record<string, { readonly value?: unknown } | { readonly $ref: string }>>;
}

/** The example that the route gives itself, or one of its fields' examples. */
function show(media: Media, schemas: Schemas): void {
  const [own] = Object.values(media.examples ?? {});
  if (own && 'value' in own) media.example = own.value;
  delete media.examples;
  if (media.schema) media.example ??= exampleOf(media.schema, schemas);
}

function close(part: unknown, schemas: Schemas): void {
  if (typeof part !== 'object' || part === null) return;
  const schema = part as { $ref?: unknown; properties?: unknown; additionalProperties?: unknown };
  if (typeof schema.$ref === 'string') {
    close(schemas[schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)], schemas);
    return;
  }
  if (schema.properties !== undefined) {
    if (schema.additionalProperties === false) return;
    schema.additionalProperties ??= false;
  }
  for (const [key, inner] of Object.entries(part)) if (key !== 'example' && key !== 'examples') close(inner, schemas);
}

const permissionOf = (operation: Operation): Permission =>
  (operation as { [DOCUMENTED_PERMISSION]?: Permission })[DOCUMENTED_PERMISSION] ?? 'public';
