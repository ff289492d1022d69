import type { Place, StartOptions } from '../kit/place.ts';
import { clustersOf } from './documents.ts';
import { EfmsSide } from './efms-side.ts';
import { type Bar, bar, type XdsFigure } from './figures.ts';
import { PeerSide } from './peer-side.ts';
import type { Proxies } from './proxies.ts';
import { run, type Workload } from './run.ts';

export interface PeerSizes {
  /** Streams that are pushed to, and that connect at once. */
  readonly pushed: number;
  readonly connected: number;
  readonly bytes: number;
}

interface Context {
  readonly place: Place;
  readonly fleet: Proxies;
  readonly startOptions: StartOptions;
  readonly rounds: number;
  readonly say: (words: string) => void;
}

/** What EFMS is to be in shares of go-control-plane (SPEC.md §6). */
type Judge = (own: XdsFigure, peer: XdsFigure) => Bar[];

const ratio = (own: number | undefined, peer: number | undefined): number => (own ?? NaN) / (peer ?? NaN);

const ofFullPush: Judge = (own, peer) => {
  const cpu = ratio(own.cpu_us_per_stream, peer.cpu_us_per_stream);
  return [
    bar('time, of go-control-plane', ratio(own.last_ms, peer.last_ms), 1 / 4),
    bar('CPU with the pre-framed writer, of go-control-plane', cpu, 1 / 8),
    bar('CPU by public API, of go-control-plane', cpu, 1 / 3),
  ];
};
const ofSmallPush: Judge = (own, peer) => [
  bar('time, of go-control-plane', ratio(own.last_ms, peer.last_ms), 1),
  bar('CPU, of go-control-plane', ratio(own.cpu_us_per_stream, peer.cpu_us_per_stream), 1 / 2),
];
const ofConnecting: Judge = (own, peer) => [
  bar('time, of go-control-plane', ratio(own.connect_ms, peer.connect_ms), 1),
];

/** Drives EFMS and go-control-plane in turn with the same snapshot and client. */
export async function compareWithPeer(context: Context, sizes: PeerSizes): Promise<XdsFigure[]> {
  const { rounds } = context;
  const snapshot = { clusters: clustersOf(sizes.bytes) };
  const pushed = { streams: sizes.pushed, snapshot, changes: ['one'] as const, rounds };
  const storm = { streams: sizes.connected, snapshot, changes: [], rounds };
  return [
    ...(await inTurn(context, { ...pushed, protocol: 'sotw' }, { 'push one': ofFullPush })),
    ...(await inTurn(context, { ...pushed, protocol: 'delta' }, { 'push one': ofSmallPush })),
    ...(await inTurn(context, { ...storm, protocol: 'sotw' }, { connect: ofConnecting })),
    ...(await inTurn(context, { ...storm, protocol: 'delta' }, { connect: ofConnecting })),
  ];
}

async function inTurn(
  context: Context,
  workload: Workload,
  judges: Readonly<Record<string, Judge>>,
): Promise<XdsFigure[]> {
  const { place, fleet, startOptions, say } = context;
  const about = `${workload.streams} streams, ${workload.protocol}`;
  say(`go-control-plane, ${about}`);
  const peer = await withSide(await PeerSide.start(workload), workload);
  say(`EFMS, ${about}`);
  const own = await withSide(await EfmsSide.start(place, fleet, { ...workload, ...startOptions }), workload);
  const judged = own.map((figure, i) => {
    const other = peer[i];
    const judge = judges[figure.what];
    return other && judge ? { ...figure, bars: judge(figure, other) } : figure;
  });
  return judged.flatMap((figure, i) => [figure, ...(peer[i] ? [peer[i]] : [])]);
}

async function withSide(side: EfmsSide | PeerSide, workload: Workload): Promise<XdsFigure[]> {
  try {
    return await run(side, workload);
  } finally {
    await side.stop();
  }
}
