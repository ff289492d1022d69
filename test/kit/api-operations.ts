import type { Efms } from './efms.js';

/** One operation of the served OpenAPI document. */
export interface ApiOperation {
  readonly method: string;
  /** Template below the server's address, such as `/api/v1/proxies/{id}`. */
  readonly path: string;
  readonly parameters: readonly string[];
  /** Answers with events until one side ends. */
  readonly isStream: boolean;
}

/** What is open to everybody, so that a route that joins it by mistake is noticed. */
export const PUBLIC_PATHS: readonly string[] = [
  '/health/live',
  '/health/ready',
  '/health/startup',
  '/metrics',
  '/api/v1/auth/login',
  '/api/v1/auth/refresh',
  '/api/v1/auth/logout',
  '/api/v1/auth/accept-invitation',
  '/api/v1/enrol',
];

interface OperationObject {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
}

/** Every operation that the server describes. */
export async function apiOperations(efms: Pick<Efms, 'http'>): Promise<ApiOperation[]> {
  const document = (await (await fetch(`${efms.http}/openapi.json`)).json()) as OpenApiDocument;
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path,
      parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!),
      isStream: responses['200']?.content?.['text/event-stream'] !== undefined,
    })),
  );
}

/** The path with values in the place of its parameters; a new parameter must be given one. */
export function pathOf({ path }: ApiOperation, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for {${name}} of ${path}`);
    return value;
  });
}
