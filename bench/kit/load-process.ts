import { cpuUsage } from 'node:process';
import type { SentLoad } from './load.ts';
import { type Call, OpenLoop } from './open-loop.ts';
import { serve } from './worker.ts';

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

/** What it answers: what came of what it sent, and nothing otherwise. */
export type Report = SentLoad | undefined;

let loop: OpenLoop | undefined;
let calls: readonly Call[] = [];

serve<Order, Report>(async (order) => {
  switch (order.type) {
    case 'open':
      loop = new OpenLoop(order.port);
      await loop.open(order.connections);
      return undefined;
    case 'send': {
      if (!loop) throw new Error('no connections are open');
      calls = order.calls ?? calls;
      const before = cpuUsage();
      const result = await loop.send(calls, order);
      const { user, system } = cpuUsage(before);
      return { ...result, cpuSeconds: (user + system) / 1_000_000 };
    }
    case 'close':
      loop?.close();
      return undefined;
  }
});
