import { serve } from '../../kit/worker.ts';
import { type Chapter, HollowFleet, type HollowFleetOptions, type Misfortune } from './hollow-fleet.ts';

/** What the process of some hollow proxies is told. */
export type Order =
  | { readonly type: 'open'; readonly options: HollowFleetOptions }
  | { readonly type: 'strike'; readonly misfortune: Misfortune; readonly ids: readonly string[] }
  | { readonly type: 'take' }
  | { readonly type: 'close' };

let fleet: HollowFleet | undefined;

serve<Order, readonly Chapter[]>(async (order) => {
  if (order.type === 'open') {
    fleet = new HollowFleet(order.options);
    await fleet.open();
    return [];
  }
  switch (order.type) {
    case 'strike':
      fleet?.strike(order.misfortune, order.ids);
      return [];
    case 'take':
      return fleet?.take() ?? [];
    case 'close':
      fleet?.close();
      return [];
  }
});
