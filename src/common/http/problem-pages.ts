import { type ProblemKind, problemKinds } from '../errors/problem.js';
import { PROBLEM_BASE } from './problem.filter.js';

/** What is said of one kind of problem to whoever follows the `type` of a problem document. */
export interface ProblemPage {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly whatToDo: string;
}

/** For kinds that say nothing of their own. */
const WHAT_TO_DO: Readonly<Record<number, string>> = {
  400: 'Mend the request as `detail` and `errors` say, and send it again.',
  401: 'Log in, or send an API key that is valid, as `Authorization: Bearer`.',
  403: 'Use a credential that may do this, or ask an admin of the tenant.',
  404: 'Look for the name or id in the list that it belongs to; what is in other tenants is not found.',
  405: 'Use a method that the header `Allow` names.',
  409: 'Look at what is there: `detail` says what is in the way and what to do about it.',
  412: 'Read the resource again, and repeat the change on what it is now.',
  413: 'Send less at once: configurations may have 32 MiB, everything else 1 MiB.',
  414: 'Use a shorter address; long filters may be made into several requests.',
  415: 'Send the body in a form that `detail` names.',
  422: 'Mend what `errors` points at, and send it again; nothing was changed.',
  426: 'Connect as `detail` says.',
  428: 'Send `If-Match` with the ETag that was last read, or `*` to write whatever is there.',
  429: 'Wait as many seconds as the header `Retry-After` says.',
  500: 'Try again. If it stays, give the `requestId` to whoever runs EFMS: its log says more.',
  503: 'Wait as many seconds as the header `Retry-After` says, and send it again; proxies keep what they have.',
};

const asPage = ({ code, title, status, whatToDo }: ProblemKind): ProblemPage => ({
  type: PROBLEM_BASE + code,
  title,
  status,
  whatToDo: whatToDo ?? WHAT_TO_DO[status] ?? 'Do what `detail` says.',
});

/** By type. */
export const problemPages = (): readonly ProblemPage[] => problemKinds().map(asPage);

export const htmlOfAll = (pages: readonly ProblemPage[]): string =>
  html('Problems', [
    '<p>What an answer of EFMS may name as its <code>type</code>.</p>',
    `<ul>${pages.map(({ type, title, status }) => `<li><a href="${type}">${marked(title)}</a> (${status})</li>`).join('\n')}</ul>`,
  ]);

export const htmlOfOne = ({ type, title, status, whatToDo }: ProblemPage): string =>
  html(title, [
    `<p>Status ${status}, <code>${type}</code>.</p>`,
    `<p>${marked(whatToDo)}</p>`,
    `<p>The <code>detail</code> of the answer says what was in the way this time. <a href="${PROBLEM_BASE.slice(0, -1)}">All problems</a></p>`,
  ]);

/** Sentences of the tables, which are the program's own, with code between backticks. */
const marked = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>');

const html = (title: string, body: readonly string[]): string =>
  `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${marked(title)} – EFMS</title></head>
<body style="font-family: sans-serif; max-width: 45em; margin: 2em auto">
<h1>${marked(title)}</h1>
${body.join('\n')}
</body>
</html>
`;
