import type { Place, StartOptions } from '../kit/place.ts';
import type { Protocol } from './client/requests.ts';
import type { Snapshot } from './documents.ts';
import { EfmsSide } from './efms-side.ts';
import type { Proxies } from './proxies.ts';
import type { Side } from './side.ts';

/** What all phases have in common. */
export interface Context {
  readonly place: Place;
  readonly fleet: Proxies;
  readonly startOptions: StartOptions;
  readonly protocols: readonly Protocol[];
  readonly rounds: number;
  /** A number of streams as it is to be tried. */
  readonly scaled: (streams: number) => number;
  readonly say: (words: string) => void;
}

/** Does something to a server, which is stopped after it. */
export async function withSide<S extends Side, T>(starting: Promise<S>, work: (side: S) => Promise<T>): Promise<T> {
  const side = await starting;
  try {
    return await work(side);
  } finally {
    await side.stop();
  }
}

/** EFMS with the settings that were asked for, and more. */
export function startEfms(
  { place, fleet, startOptions }: Context,
  what: { readonly streams: number; readonly snapshot: Snapshot },
  more: StartOptions = {},
): Promise<EfmsSide> {
  const settings = { ...startOptions.settings, ...more.settings };
  return EfmsSide.start(place, fleet, { ...what, ...startOptions, ...more, settings });
}
