import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  ApiSchema,
  getSchemaPath,
} from '@nestjs/swagger';

/** The schema of problem documents. Problems have further members, each kind its own. */
export const PROBLEM = 'Problem';

/** One finding in a problem document, as the OpenAPI document shows it. */
@ApiSchema({ name: 'Finding' })
class FindingDocument {
  @ApiProperty({ example: '/nodeId', description: 'RFC 6901 pointer into the document that was sent.' })
  pointer: string;

  @ApiProperty({ example: 'request.isNotEmpty', description: 'Stable identifier of the rule.' })
  rule: string;

  @ApiProperty({ example: 'nodeId must not be empty' })
  detail: string;

  @ApiProperty({ enum: ['error', 'warning'] })
  severity: 'error' | 'warning';
}

/** A problem document (RFC 9457), as the OpenAPI document shows it. */
@ApiSchema({ name: PROBLEM })
class ProblemDocumentSchema {
  @ApiProperty({ example: '/problems/not-found', format: 'uri-reference' })
  type: string;

  @ApiProperty({ example: 'There is no such thing' })
  title: string;

  @ApiProperty({ type: 'integer', example: 404 })
  status: number;

  @ApiPropertyOptional({ example: 'There is no proxy named "edge-1".' })
  detail?: string;

  @ApiProperty({ example: '/api/v1/proxies/name:edge-1' })
  instance: string;

  @ApiProperty({ example: 'req-1' })
  requestId: string;

  @ApiPropertyOptional({ type: [FindingDocument] })
  errors?: FindingDocument[];
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'No credential, or one that is not valid',
  403: 'The credential does not allow this',
  404: 'There is no such thing, or not in this tenant',
  409: 'The request conflicts with what is there',
  412: 'The resource has changed since it was read',
  413: 'The body is too large',
  414: 'The address is too long',
  415: 'The media type is not read here',
  422: 'The content is not valid; `errors` says where',
  428: 'If-Match is needed',
  429: 'Too many requests; `Retry-After` says when to come again',
  431: 'The address and the headers are too large to be read',
  503: 'The database cannot be reached; `Retry-After` says when to come again',
};

/** The answer of an operation that ends in a problem. */
export function problemResponse(status: number): {
  description: string;
  content: Record<string, { schema: { $ref: string } }>;
} {
  const content = { 'application/problem+json': { schema: { $ref: getSchemaPath(PROBLEM) } } };
  return { description: DESCRIPTIONS[status] ?? 'A problem', content };
}

/** Declares the problem answers of a route, so that the OpenAPI document shows them; 503 is always among them. */
export function ApiProblems(...statuses: readonly number[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiExtraModels(ProblemDocumentSchema, FindingDocument),
    ...[...new Set([...statuses, 503])].map((status) => ApiResponse({ status, ...problemResponse(status) })),
  );
}
