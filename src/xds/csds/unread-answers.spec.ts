import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { UnreadAnswers } from './unread-answers.js';

const LIMITS = { waiting: 3, ofTenant: 100, ofAll: 150 };

class Call extends EventEmitter {
  cancelled = false;
}

describe('answers', () => {
  const bytes = (count: number) => () => Promise.resolve(Buffer.alloc(count));
  const refused = { definition: { status: 429 } };

  it('are made one at a time, in their order, whether they succeed or not', async () => {
    const answers = new UnreadAnswers(LIMITS);
    const log: string[] = [];
    const made = ['a', 'b', 'c'].map((name) =>
      answers.make('t', new Call(), async () => {
        log.push(`${name} begins`);
        await Promise.resolve();
        log.push(`${name} ends`);
        if (name === 'b') throw new Error('b');
        return Buffer.from(name);
      }),
    );
    const results = await Promise.allSettled(made);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('are refused where too many wait for their turn', async () => {
    const answers = new UnreadAnswers(LIMITS);
    const made = Array.from({ length: 5 }, () => answers.make('t', new Call(), bytes(1)));
    const results = await Promise.allSettled(made);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    await expect(answers.make('t', new Call(), bytes(1))).resolves.toHaveLength(1);
  });

  it('are refused to a tenant, and in the end to all, while too much was not read', async () => {
    const answers = new UnreadAnswers(LIMITS);
    const call = new Call();
    await answers.make('greedy', call, bytes(120));
    await expect(answers.make('greedy', new Call(), bytes(1))).rejects.toMatchObject(refused);
    await answers.make('other', call, bytes(90));
    await expect(answers.make('third', new Call(), bytes(1))).rejects.toMatchObject(refused);
    call.emit('cancelled');
    for (const tenant of ['greedy', 'other', 'third']) {
      await expect(answers.make(tenant, new Call(), bytes(1))).resolves.toHaveLength(1);
    }
  });

  it('count no more once they are read, and not at all for calls that are over', async () => {
    const answers = new UnreadAnswers(LIMITS);
    const call = new Call();
    for (let i = 0; i < 5; i++) {
      answers.read(await answers.make('t', call, bytes(101)));
      const over = new Call();
      const making = answers.make('t', over, () => {
        over.cancelled = true;
        return Promise.resolve(Buffer.alloc(101));
      });
      await making;
      await expect(answers.make('t', over, bytes(101))).rejects.toMatchObject(refused);
    }
    expect(call.listenerCount('cancelled')).toBe(0);
  });
});
