import type { OpenAPIObject } from '@nestjs/swagger';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Exclude<Schemas[string], { $ref: string }>;
type AnySchema = Schemas[string];

/** What stands for an id or a time in examples. */
const OF_FORMAT: Readonly<Record<string, string>> = {
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  'date-time': '2030-01-01T00:00:00.000Z',
};

/**
 * One value of a schema, put together from the examples of its parts: what a reader can paste. Fields that may be left out and have no
 * example of their own are left out; what is null as a rule is null.
 */
export function exampleOf(schema: AnySchema, schemas: Schemas): unknown {
  if ('$ref' in schema) return exampleOf(referred(schema.$ref, schemas), schemas);
  if (schema.example !== undefined) return schema.example;
  if (schema.default !== undefined) return schema.default;
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return isNullable(schema) ? null : exampleOf(options[0] ?? {}, schemas);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => exampleOf(part, schemas))) as object;
  if (schema.enum) return (schema.enum as unknown[])[0];
  return isNullable(schema) ? null : plainExampleOf(schema, schemas);
}

function plainExampleOf(schema: Schema, schemas: Schemas): unknown {
  switch (schema.type) {
    case 'object':
      return objectExampleOf(schema, schemas);
    case 'array':
      return schema.items ? [exampleOf(schema.items, schemas)] : [];
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    default:
      return OF_FORMAT[schema.format ?? ''] ?? 'text';
  }
}

function objectExampleOf({ properties = {}, required = [] }: Schema, schemas: Schemas): object {
  const given = Object.entries(properties).filter(([name, part]) => required.includes(name) || isTelling(part));
  return Object.fromEntries(given.map(([name, part]) => [name, exampleOf(part, schemas)]));
}

/** Whether an example says something about a field that may be left out. */
const isTelling = (schema: AnySchema): boolean =>
  '$ref' in schema || schema.example !== undefined || schema.allOf !== undefined;

/** OpenAPI 3.1 writes what may be null as a type among others. */
function isNullable({ type, anyOf, oneOf }: Schema): boolean {
  const types: unknown = type;
  const options = [...(anyOf ?? []), ...(oneOf ?? [])] as readonly { readonly type?: unknown }[];
  return (Array.isArray(types) && types.includes('null')) || options.some((option) => option.type === 'null');
}

function referred(ref: string, schemas: Schemas): AnySchema {
  const schema = schemas[ref.slice(ref.lastIndexOf('/') + 1)];
  if (!schema) throw new Error(`the document refers to ${ref}, which it does not have`);
  return schema;
}
