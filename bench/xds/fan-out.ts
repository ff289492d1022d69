import { type Context, startEfms, withSide } from './context.ts';
import { clustersOf, edgeOf } from './documents.ts';
import type { XdsFigure } from './figures.ts';
import { run } from './run.ts';

/** No push sends more than this to all streams together. */
const MOST_BYTES = 1.1 * 1024 ** 3;

export interface Matrix {
  readonly streams: readonly number[];
  readonly kilobytes: readonly number[];
  readonly isEdge: boolean;
}

/** Connects and pushes, by number of streams and size; what would be more than all streams can be sent is left out. */
export async function fanOut(context: Context, { streams, kilobytes, isEdge }: Matrix): Promise<XdsFigure[]> {
  const { protocols, rounds, scaled, say } = context;
  const figures: XdsFigure[] = [];
  for (const protocol of protocols) {
    for (const kb of kilobytes) {
      for (const count of streams.filter((each) => each * kb * 1024 <= MOST_BYTES)) {
        const what = {
          streams: scaled(count),
          snapshot: isEdge ? edgeOf(kb * 1024) : { clusters: clustersOf(kb * 1024) },
        };
        say(`${protocol}, ${kb} KB, ${what.streams} streams`);
        const workload = { ...what, protocol, changes: ['one', 'all'] as const, rounds };
        figures.push(...(await withSide(startEfms(context, what), (side) => run(side, workload))));
      }
    }
  }
  return figures;
}
