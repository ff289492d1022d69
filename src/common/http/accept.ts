import type { FastifyReply } from 'fastify';

/** Whether somebody sits before a browser; programs that take anything are not asked for what people read. */
export const wantsHtml = (accept: string | undefined): boolean => accept?.includes('text/html') ?? false;

/** The form in which an answer is wanted. */
export function inWantedForm<T>(
  reply: FastifyReply,
  accept: string | undefined,
  { json, html }: { readonly json: T; readonly html: () => string },
): T | string {
  if (!wantsHtml(accept)) return json;
  void reply.type('text/html; charset=utf-8');
  return html();
}
