import { columns } from '../kit/report.ts';
import type { Protocol } from './client/requests.ts';

/** What is asked of a figure, and whether it is so. */
export interface Bar {
  readonly text: string;
  readonly isMet: boolean;
}

/** One figure of `--json`. Absent is what was not measured. */
export interface XdsFigure {
  readonly what: string;
  readonly server: string;
  readonly protocol: Protocol;
  readonly streams: number;
  /** Of the responses to one stream. */
  readonly bytes: number;
  readonly messages: number;
  /** Milliseconds until so many streams had acknowledged all, from the beginning of what was done. */
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  readonly last_ms?: number;
  readonly cpu_us_per_stream?: number;
  readonly client_cpu_us_per_stream?: number;
  /** Above the server before the streams came. */
  readonly rss_kb_per_stream?: number;
  /** From the first connection to the last stream served and acknowledged. */
  readonly connect_ms?: number;
  /** Connections in that time, with TLS as many handshakes. */
  readonly connects_per_s?: number;
  /** Streams that the server ended, each of which came again. */
  readonly ended_streams?: number;
  /** Why, as the server counted it. */
  readonly refusals?: Readonly<Record<string, number>>;
  readonly bars?: readonly Bar[];
}

/** All figures, one a line, and under them those that something is asked of. */
export function figureTable(figures: readonly XdsFigure[]): string {
  const number = (value: number | undefined, digits = 0): string => (value === undefined ? '' : value.toFixed(digits));
  const head = ['what', 'server', 'protocol', 'streams', 'bytes', 'messages', 'p50 ms', 'p99 ms', 'last ms'];
  const rows = figures.map((figure) => [
    figure.what,
    figure.server,
    figure.protocol,
    String(figure.streams),
    String(figure.bytes),
    number(figure.messages, figure.messages % 1 === 0 ? 0 : 2),
    number(figure.p50_ms),
    number(figure.p99_ms),
    number(figure.last_ms),
    number(figure.connect_ms),
    number(figure.connects_per_s),
    number(figure.cpu_us_per_stream),
    number(figure.client_cpu_us_per_stream),
    number(figure.rss_kb_per_stream, 1),
    endedOf(figure),
  ]);
  if (figures.length === 0) return '';
  return columns([[...head, 'connect ms', 'a second', 'CPU µs/stream', 'client', 'RSS KB/stream', 'ended'], ...rows]);
}

function endedOf({ ended_streams = 0, refusals = {} }: XdsFigure): string {
  if (ended_streams === 0) return '';
  return [ended_streams, ...Object.entries(refusals).map(([reason, count]) => `${reason}: ${count}`)].join(', ');
}

export function barTable(figures: readonly XdsFigure[]): string {
  const rows = figures.flatMap(({ what, server, protocol, streams, bars }) =>
    (bars ?? []).map(({ text, isMet }) => [
      `${server}, ${what}, ${streams} streams, ${protocol}`,
      text,
      isMet ? 'MET' : 'MISSED',
    ]),
  );
  return rows.length === 0 ? '' : columns([['figure', 'bar', ''], ...rows]);
}

/** Whether a value is at most what is asked, with both in the text. */
export const bar = (text: string, value: number, most: number, unit = ''): Bar => ({
  text: `${text} ≤ ${shown(most)}${unit}: ${shown(value)}${unit}`,
  isMet: value <= most,
});

const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
