import { cpuUsage } from 'node:process';
import { serve } from '../kit/worker.ts';
import { type Reported, Reporters, type ReportersOptions } from './reporters.ts';

/** What the process of the reporters is told. */
export type Order = { readonly type: 'open'; readonly options: ReportersOptions } | { readonly type: 'look' | 'stop' };

/** What it answers. */
export interface Look extends Reported {
  /** Of the client, so far. */
  readonly cpuSeconds: number;
}

let reporters: Reporters | undefined;

serve<Order, Look | undefined>(async (order) => {
  if (order.type === 'open') {
    reporters = new Reporters(order.options);
    await reporters.open();
  }
  if (order.type === 'stop') reporters?.stop();
  if (!reporters) return undefined;
  const { user, system } = cpuUsage();
  return { ...reporters.reported, cpuSeconds: (user + system) / 1e6 };
});
