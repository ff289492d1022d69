import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { newId } from '../context/ids.js';

/** What Node's HTTP parser says of bytes that are no request, and what they are answered. */
const STATUS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The address and the headers are larger than is read here; send fewer or shorter ones.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive; send it again.'],
};
const MALFORMED = [400, 'This is not an HTTP request that can be read.'] as const;

/** Answers a connection that never became a request as everything else is answered: with a problem document (RFC 9457). */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = STATUS[error.code ?? ''] ?? MALFORMED;
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const requestId = newId();
  // There is no address to name.
  const instance = `urn:uuid:${requestId}`;
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, instance, requestId });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
