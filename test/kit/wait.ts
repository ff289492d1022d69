import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks until there is something to see, and answers that.
 * @param look gives undefined, false or throws while it is not there yet
 * @param what ends the sentence "waited … for …" of the error
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { within = 45_000, every = 100 } = {},
): Promise<T> {
  const deadline = Date.now() + within;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const why = last === undefined ? '' : `; the last look failed: ${last instanceof Error ? last.message : String(last)}`;
      throw new Error(`waited ${within} ms in vain for ${what}${why}`);
    }
    await pause(every);
  }
}
