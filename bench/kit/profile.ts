import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { columns } from './report.ts';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** What V8 writes with `--cpu-prof`, as far as it is used here. Times are microseconds of the monotonic clock. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Share {
  readonly name: string;
  /** Of the time in which the process did anything, the function itself without those that it calls. */
  readonly share: number;
}

export interface ProfileSummary {
  /** Share of the time in which the process did anything. */
  readonly busy: number;
  readonly functions: readonly Share[];
  /** The same by package, folder of EFMS, or part of Node. */
  readonly parts: readonly Share[];
  /** The same by the file of EFMS or, where there is none, the package that asked for it: the nearest on the stack. */
  readonly askers: readonly Share[];
}

/**
 * The time between two moments of `process.hrtime`, by function and by part.
 * @param folder of `--cpu-prof-dir`, in which every thread leaves a profile; the one of the main thread counts
 */
export function summariseProfile(
  folder: string,
  window: { readonly from: bigint; readonly to: bigint },
  top = 25,
): ProfileSummary {
  const profile = JSON.parse(readFileSync(path.join(folder, mainThreadProfile(folder)), 'utf8')) as CpuProfile;
  const [from, to] = [Number(window.from / 1000n), Number(window.to / 1000n)];
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const parts = new Map<string, number>();
  const askers = new Map<string, number>();
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stackOf = (id: number): CallFrame[] => {
    const stack: CallFrame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = frames.get(at);
      if (frame) stack.push(frame);
    }
    return stack;
  };
  let now = profile.startTime;
  let [busy, all] = [0, 0];
  profile.samples.forEach((id, i) => {
    const spent = profile.timeDeltas[i + 1] ?? 0;
    now += profile.timeDeltas[i] ?? 0;
    const frame = frames.get(id);
    if (!frame || now < from || now > to) return;
    all += spent;
    if (frame.functionName === '(idle)') return;
    busy += spent;
    const part = partOf(frame.url, frame.functionName);
    const line = frame.url === '' ? '' : `  ${shortened(frame.url)}:${frame.lineNumber + 1}`;
    add(functions, `${frame.functionName === '' ? '(anonymous)' : frame.functionName}${line}`, spent);
    add(parts, part, spent);
    add(askers, askerOf(stackOf(id)), spent);
  });
  return {
    busy: busy / all,
    functions: sharesOf(functions, busy).slice(0, top),
    parts: sharesOf(parts, busy).slice(0, top),
    askers: sharesOf(askers, busy).slice(0, top),
  };
}

/** What a profile says, in three tables: by package, folder or part of Node; by who asked for it; and by function. */
export function profileTables(title: string, profile: ProfileSummary): string[] {
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  const rows = (of: readonly Share[]): string => columns(of.map((each) => [percent(each.share), each.name]));
  const { busy, parts, askers, functions } = profile;
  const head = `${title}, busy ${percent(busy)} of the time`;
  return [`${head}\n${rows(parts)}`, `asked for by\n${rows(askers)}`, rows(functions)];
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function sharesOf(sums: ReadonlyMap<string, number>, all: number): Share[] {
  return [...sums].map(([name, spent]) => ({ name, share: spent / all })).sort((a, b) => b.share - a.share);
}

function partOf(url: string, functionName: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  if (url.startsWith('node:')) return 'node';
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return inPackage ?? `efms ${/\/dist\/(\w+)/.exec(url)?.[1] ?? ''}`;
}

/** Of a stack, the innermost frame first. */
function askerOf(stack: readonly CallFrame[]): string {
  const own = stack.find(({ url }) => url.includes('/dist/') && !url.includes('/node_modules/'));
  if (own) return shortened(own.url);
  const parts = stack.map(({ url, functionName }) => partOf(url, functionName));
  return parts.find((part) => part !== 'node' && !part.startsWith('(')) ?? parts[0] ?? '';
}

const shortened = (url: string): string => url.replace(/^.*\/(node_modules|dist)\//, '').replace(/^node:/, 'node:');

/** Node names profiles `CPU.<date>.<time>.<process>.<thread>.<sequence>.cpuprofile`. */
const mainThreadProfile = (folder: string): string =>
  readdirSync(folder).find((file) => /^CPU\.\d+\.\d+\.\d+\.0\./.test(file)) ?? '';
