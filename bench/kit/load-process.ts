import { cpuUsage } from 'node:process';
import { type Call, OpenLoop, type RunResult } from './open-loop.ts';

/** What the process of a `Load` is told. */
export type Order =
  | { readonly type: 'open'; readonly port: number; readonly connections: number }
  | {
      readonly type: 'send';
      readonly calls: readonly Call[] | undefined;
      readonly rate: number;
      readonly seconds: number;
    }
  | { readonly type: 'close' };

/** What it answers to each. */
export type Report =
  | { readonly type: 'done' }
  | { readonly type: 'sent'; readonly result: RunResult; readonly cpuSeconds: number }
  | { readonly type: 'failed'; readonly reason: string };

let loop: OpenLoop | undefined;
let calls: readonly Call[] = [];

async function obey(order: Order): Promise<Report> {
  switch (order.type) {
    case 'open':
      loop = new OpenLoop(order.port);
      await loop.open(order.connections);
      return { type: 'done' };
    case 'send': {
      if (!loop) throw new Error('no connections are open');
      calls = order.calls ?? calls;
      const before = cpuUsage();
      const result = await loop.send(calls, order);
      const { user, system } = cpuUsage(before);
      return { type: 'sent', result, cpuSeconds: (user + system) / 1_000_000 };
    }
    case 'close':
      loop?.close();
      return { type: 'done' };
  }
}

process.on('message', (order: Order) => {
  void obey(order)
    .catch((error: unknown): Report => ({ type: 'failed', reason: String(error) }))
    .then((report) => process.send?.(report));
});
// Nobody is left to send for.
process.on('disconnect', () => process.exit());
