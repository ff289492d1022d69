import { serve } from '../../kit/worker.ts';
import { Fleet, type FleetOptions, type Held, type Round } from './fleet.ts';

/** What the process of a `FleetClient` is told. */
export type Order =
  | { readonly type: 'make'; readonly options: FleetOptions }
  | { readonly type: 'begin'; readonly responses: number; readonly skipped: number }
  | { readonly type: 'open'; readonly held: Held | undefined }
  | { readonly type: 'finish'; readonly timeoutMs: number }
  | { readonly type: 'pause'; readonly connections: number }
  | { readonly type: 'resume' }
  | { readonly type: 'close' };

let fleet: Fleet | undefined;

serve<Order, Round | undefined>(async (order) => {
  if (order.type === 'make') {
    fleet = new Fleet(order.options);
    return undefined;
  }
  if (!fleet) throw new Error('no fleet was made');
  switch (order.type) {
    case 'begin':
      fleet.begin(order.responses, order.skipped);
      return undefined;
    case 'open':
      await fleet.open(order.held);
      return undefined;
    case 'finish':
      return fleet.finish(order.timeoutMs);
    case 'pause':
      fleet.pause(order.connections);
      return undefined;
    case 'resume':
      fleet.resume();
      return undefined;
    case 'close':
      fleet.close();
      return undefined;
  }
});
