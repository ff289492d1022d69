import type { FastifyReply } from 'fastify';
import { problems } from '../../common/errors/problem.js';
import { etagOf } from '../../common/http/etag.js';
import { type LabelTerm, parseLabelSelector } from '../labels.js';

/** What a route answers, and whether it made it. */
interface Answer<View> {
  readonly view: View;
  readonly created?: boolean;
}

/** Sets ETag, and for what was created the status and Location. @param path of the collection, under `/api/v1/` */
export function tagged<View extends { readonly id: string; readonly revision: number }>(
  reply: FastifyReply,
  path: string,
  { view, created = false }: Answer<View>,
): View {
  void reply.header('etag', etagOf(view.revision));
  if (created) void reply.status(201).header('location', `/api/v1/${path}/${view.id}`);
  return view;
}

/** The `labels` parameter of a list. @throws ProblemError 400 */
export function selectorOf(text: string | undefined): readonly LabelTerm[] {
  const terms = text === undefined ? [] : parseLabelSelector(text);
  if (typeof terms === 'string') throw problems.badRequest({ detail: `labels: ${terms}` });
  return terms;
}
