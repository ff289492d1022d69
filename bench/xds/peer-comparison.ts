import { type Context, startEfms, withSide } from './context.ts';
import { clustersOf } from './documents.ts';
import { type Bar, bar, type XdsFigure } from './figures.ts';
import { PeerSide } from './peer-side.ts';
import { run, type Workload } from './run.ts';

export interface PeerSizes {
  /** Streams that are pushed to, and that connect at once. */
  readonly pushed: number;
  readonly connected: number;
  readonly bytes: number;
}

/** What EFMS is to be in shares of go-control-plane (SPEC.md §6). */
type Judge = (own: XdsFigure, peer: XdsFigure) => Bar[];

const ratio = (own: number | undefined, peer: number | undefined): number => (own ?? NaN) / (peer ?? NaN);

/** Of the writer that is fastest, and of the one that does with grpc-js's public API. */
const ofFullPush: Judge = (own, peer) => [
  bar('time, of go-control-plane', ratio(own.last_ms, peer.last_ms), 1 / 4),
  bar('CPU, of go-control-plane', ratio(own.cpu_us_per_stream, peer.cpu_us_per_stream), 1 / 8),
];
const ofPublicApi: Judge = (own, peer) => [
  bar('CPU by public API, of go-control-plane', ratio(own.cpu_us_per_stream, peer.cpu_us_per_stream), 1 / 3),
];
const ofSmallPush: Judge = (own, peer) => [
  bar('time, of go-control-plane', ratio(own.last_ms, peer.last_ms), 1),
  bar('CPU, of go-control-plane', ratio(own.cpu_us_per_stream, peer.cpu_us_per_stream), 1 / 2),
];
const ofConnecting: Judge = (own, peer) => [
  bar('time, of go-control-plane', ratio(own.connect_ms, peer.connect_ms), 1),
];

/** One comparison: the same done to both, and what is asked of it, by what was done. */
interface Match {
  readonly workload: Workload;
  readonly judges: Readonly<Record<string, Judge>>;
  /** The same once more with EFMS writing by public API alone. */
  readonly publicApi?: Readonly<Record<string, Judge>>;
}

/** Drives EFMS and go-control-plane in turn with the same snapshot and client. */
export async function compareWithPeer(context: Context, sizes: PeerSizes): Promise<XdsFigure[]> {
  const { protocols, rounds, scaled } = context;
  const snapshot = { clusters: clustersOf(sizes.bytes) };
  const pushed = { streams: scaled(sizes.pushed), snapshot, changes: ['one'] as const, rounds };
  const storm = { streams: scaled(sizes.connected), snapshot, changes: [], rounds };
  const full = { judges: { 'push one': ofFullPush }, publicApi: { 'push one': ofPublicApi } };
  const small = { judges: { 'push one': ofSmallPush } };
  const figures: XdsFigure[] = [];
  for (const protocol of protocols) {
    const judged = protocol === 'sotw' ? full : small;
    figures.push(...(await compare(context, { workload: { ...pushed, protocol }, ...judged })));
    figures.push(...(await compare(context, { workload: { ...storm, protocol }, judges: { connect: ofConnecting } })));
  }
  return figures;
}

async function compare(context: Context, { workload, judges, publicApi }: Match): Promise<XdsFigure[]> {
  const about = `${workload.streams} streams, ${workload.protocol}`;
  context.say(`go-control-plane, ${about}`);
  const peer = await withSide(PeerSide.start(workload), (side) => run(side, workload));
  context.say(`EFMS, ${about}`);
  const own = await withSide(startEfms(context, workload), (side) => run(side, workload));
  const figures = [...peer, ...judgedBy(judges, own, peer)];
  if (!publicApi) return figures;
  context.say(`EFMS by public API, ${about}`);
  const starting = startEfms(context, workload, { settings: { EFMS_XDS_WRITER: 'public' } });
  const other = await withSide(starting, (side) => run(side, workload));
  const named = other.map((figure) => ({ ...figure, server: `${figure.server}, public API` }));
  return [...figures, ...judgedBy(publicApi, named, peer)];
}

function judgedBy(
  judges: Readonly<Record<string, Judge>>,
  own: readonly XdsFigure[],
  peer: readonly XdsFigure[],
): XdsFigure[] {
  return own.map((figure, i) => {
    const [other, judge] = [peer[i], judges[figure.what]];
    return other && judge ? { ...figure, bars: judge(figure, other) } : figure;
  });
}
