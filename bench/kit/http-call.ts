import type { Call } from './open-loop.ts';

export interface HttpRequest {
  readonly group: string;
  readonly method: string;
  /** Below `/api/v1`. */
  readonly target: string;
  readonly credential: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly expected: number;
}

/** The bytes of a request, made once before they are needed. */
export function callOf({ group, method, target, credential, body, headers, expected }: HttpRequest): Call {
  const content = body === undefined ? '' : JSON.stringify(body);
  const head = [
    `${method} /api/v1${target} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Bearer ${credential}`,
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(content)}`]),
  ];
  return { group, expected, bytes: Buffer.from(`${head.join('\r\n')}\r\n\r\n${content}`) };
}
