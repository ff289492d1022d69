import { afterEach, describe, expect, it } from '@jest/globals';
import { ProblemError } from '../errors/problem.js';
import type { ThreadTask } from './thread-task.js';
import { type ThreadSettings, Threads } from './threads.js';

interface Asked {
  readonly what: string;
  readonly value?: unknown;
}

const TASK: ThreadTask<Asked, unknown> = { file: new URL('../../../test/kit/thread-tasks.mjs', import.meta.url) };

describe('threads', () => {
  const made: Threads[] = [];
  const threadsWith = (settings: Partial<ThreadSettings> = {}): Threads => {
    const threads = new Threads({ size: 1, ...settings });
    made.push(threads);
    return threads;
  };
  const ask = (threads: Threads, what: string, value?: unknown): Promise<unknown> => threads.run(TASK, { what, value });
  const problemOf = async (work: Promise<unknown>): Promise<readonly [string, number, number | undefined]> => {
    const error: unknown = await work.catch((reason: unknown) => reason);
    if (!(error instanceof ProblemError)) throw error;
    return [error.code, error.definition.status, error.options.retryAfter];
  };
  afterEach(async () => {
    for (const threads of made.splice(0)) {
      await threads.beforeApplicationShutdown();
      expect(threads.load).toEqual({ threads: 0, waiting: 0 });
    }
  });

  it('answer what a task answers, several at a time', async () => {
    const threads = threadsWith({ size: 2 });
    const answers = await Promise.all([1, 2, 3, 4, 5].map((value) => ask(threads, 'answer', { value })));
    expect(answers).toEqual([1, 2, 3, 4, 5].map((value) => ({ value })));
    expect(threads.load).toEqual({ threads: 2, waiting: 0 });
    expect(await ask(threads, 'hand over', [1, 2, 3])).toHaveLength(3);
  });

  it('start when they are needed, or a first one when they are told to', async () => {
    const threads = threadsWith({ size: 4 });
    expect(threads.load.threads).toBe(0);
    threads.warm();
    threads.warm();
    expect(threads.load.threads).toBe(1);
    await ask(threads, 'answer');
    expect(threads.load.threads).toBe(1);
  });

  it('do first what they are prepared with, and go on where that fails', async () => {
    const threads = threadsWith();
    threads.prepareWith(TASK, { what: 'throw' });
    expect(await ask(threads, 'answer', 'ready')).toBe('ready');
  });

  it('pass on what a task throws, and do the next', async () => {
    const threads = threadsWith();
    await expect(ask(threads, 'throw')).rejects.toThrow('this was not foreseen');
    expect(await ask(threads, 'answer', 'next')).toBe('next');
  });

  it('that die lose what they did and nothing else', async () => {
    const threads = threadsWith();
    const [lost, next] = [problemOf(ask(threads, 'die')), ask(threads, 'answer', 'next')];
    expect(await lost).toEqual(['reading-lost', 500, undefined]);
    expect(await next).toBe('next');
  });

  it('are stopped when a task takes too long', async () => {
    const threads = threadsWith({ timeLimitMs: 200 });
    const [endless, next] = [problemOf(ask(threads, 'never end')), ask(threads, 'answer', 'next')];
    expect(await endless).toEqual(['document-too-costly', 422, undefined]);
    expect(await next).toBe('next');
  });

  it('are stopped when a task takes too much memory', async () => {
    const threads = threadsWith({ memoryLimitMb: 64 });
    expect(await problemOf(ask(threads, 'take all memory'))).toEqual(['document-too-costly', 422, undefined]);
    expect(await ask(threads, 'answer', 'next')).toBe('next');
  });

  it('refuse what comes while enough waits, and say when to come again', async () => {
    const threads = threadsWith({ maxWaiting: 2 });
    const taken = ['first', 'second', 'third'].map((value) => ask(threads, 'answer', value));
    expect(threads.load.waiting).toBe(2);
    expect(await problemOf(ask(threads, 'answer'))).toEqual(['documents-wait', 503, 2]);
    expect(await Promise.all(taken)).toEqual(['first', 'second', 'third']);
  });

  it('let what runs come to its end when the process ends, and refuse what waits and what comes', async () => {
    const threads = threadsWith();
    const [running, waiting] = [ask(threads, 'sleep', 100), problemOf(ask(threads, 'answer'))];
    const ended = threads.beforeApplicationShutdown();
    expect(await waiting).toEqual(['documents-wait', 503, 2]);
    expect(await problemOf(ask(threads, 'answer'))).toEqual(['documents-wait', 503, 2]);
    expect(await running).toBe('awake');
    await ended;
    expect(threads.load).toEqual({ threads: 0, waiting: 0 });
    threads.warm();
    expect(threads.load.threads).toBe(0);
  });

  it('do not wait for ever for what runs', async () => {
    const threads = threadsWith({ graceMs: 50 });
    const running = problemOf(ask(threads, 'never end'));
    await threads.beforeApplicationShutdown();
    expect(await running).toEqual(['documents-wait', 503, 2]);
  });
});
