import type { OpenAPIObject } from '@nestjs/swagger';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
/** Routes of people who have no credential yet. */
const WITHOUT_PRINCIPAL = /\/auth\//;
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

const LINK = {
  description: 'The next page as `<…>; rel="next"` (RFC 8288), where there is one.',
  schema: { type: 'string' },
} as const;

/** Adds to a document what holds for every operation, so that no route has to say it: headers, and the refusals that come of them. */
export function describeConventions(document: OpenAPIObject): OpenAPIObject {
  for (const [path, item] of Object.entries(document.paths)) {
    if (!API.test(path) || WITHOUT_PRINCIPAL.test(path)) continue;
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) describe(operation, method);
    }
  }
  return document;
}

function describe(operation: Operation, method: (typeof METHODS)[number]): void {
  const isPost = method === 'post';
  operation.parameters = [...(operation.parameters ?? []), TENANT, ...(isPost ? [IDEMPOTENCY_KEY] : [])];
  const model = operation.responses['401'];
  if (model && 'content' in model) {
    refuse(operation, model, ['403', 'The credential does not allow this']);
    refuse(operation, model, ['404', 'There is no such thing, or not in this tenant']);
    if (isPost) {
      refuse(operation, model, ['400', 'The request cannot be read']);
      refuse(operation, model, ['409', 'The request conflicts with what is there, or was done before']);
      refuse(operation, model, ['422', 'The content is not valid, or the key was used for another request']);
    }
  }
  const page = operation.responses['200'];
  const isList = operation.parameters.some((parameter) => 'name' in parameter && parameter.name === 'cursor');
  if (method === 'get' && isList && page && 'description' in page) page.headers = { ...page.headers, Link: LINK };
}

function refuse(
  { responses }: Operation,
  model: Operation['responses'][string],
  [status, description]: readonly [string, string],
): void {
  responses[status] ??= { ...model, description };
}
