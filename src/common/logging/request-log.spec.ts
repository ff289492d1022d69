import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import { type LoggerOptions, pino } from 'pino';
import { loggingOptions } from './logging.js';
import { logRequests } from './request-log.js';

type Line = Readonly<Record<string, unknown>>;

/** What is logged while `path` is answered. */
async function linesOf(level: 'info' | 'debug', path: string): Promise<Line[]> {
  const lines: Line[] = [];
  const options = loggingOptions(level).pinoHttp as LoggerOptions;
  const log = pino(options, { write: (line) => lines.push(JSON.parse(line) as Line) });
  const server = fastify({ genReqId: () => 'ci-42' });
  logRequests(server, log);
  server.get('/works', async () => {
    await setImmediate();
    log.info('working');
    return {};
  });
  server.get('/fails', async (_request, reply) => reply.status(503).send({}));
  log.info('outside');
  await server.inject(path);
  await server.close();
  return lines;
}

describe('logRequests', () => {
  it('puts the id of the request into lines written while it is served, and into no others', async () => {
    const [outside, working, ...more] = await linesOf('info', '/works');
    expect(outside).not.toHaveProperty('reqId');
    expect(working).toMatchObject({ msg: 'working', reqId: 'ci-42' });
    expect(more).toEqual([]);
  });

  it('writes a line for what failed, without the query', async () => {
    const lines = await linesOf('info', '/fails?token=MARK');
    expect(lines.at(-1)).toMatchObject({
      msg: 'request failed',
      level: 50,
      reqId: 'ci-42',
      req: { id: 'ci-42', method: 'GET', path: '/fails' },
      res: { status: 503 },
    });
    expect(JSON.stringify(lines)).not.toContain('MARK');
  });

  it('writes a line for every request at level debug', async () => {
    const lines = await linesOf('debug', '/works');
    expect(lines.at(-1)).toMatchObject({ msg: 'request completed', level: 20, reqId: 'ci-42', res: { status: 200 } });
  });
});
