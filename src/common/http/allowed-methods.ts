import type { FastifyInstance } from 'fastify';
import { problems } from '../errors/problem.js';

interface Registered {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

/**
 * Answers 405 with `Allow` (RFC 9110 §15.5.6) where an address is there, but not with the method of the request; without this it would be
 * the 404 of an address that is not there. Call before any route is registered.
 */
export function refuseOtherMethods(fastify: FastifyInstance): void {
  const registered: Registered[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    registered.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    const path = request.url.split('?')[0] ?? '';
    const there = request.is404 ? registered.filter(({ pattern }) => pattern.test(path)) : [];
    const allow = [...new Set(there.flatMap(({ methods }) => methods))].sort().join(', ');
    if (allow === '') {
      done();
      return;
    }
    void reply.header('allow', allow);
    done(problems.methodNotAllowed({ detail: `This address takes ${allow}.` }));
  });
}

/** What an address of a route looks like: `:name` is one segment, `*` anything, `::` a colon. */
function patternOf(url: string): RegExp {
  const parts = url.split(/(::|:\w+|\*)/).map((part) => {
    if (part === '::') return ':';
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.+?^$()|[\]\\{}]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}
