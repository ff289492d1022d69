import { readdirSync, readFileSync } from 'node:fs';

/** Of /proc/PID/stat, which Linux gives in hundredths of a second whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly command: string;
  readonly parent: number;
  /** Seconds of the process itself, and of children that have ended. */
  readonly own: number;
  readonly ended: number;
}

function stat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command may contain blanks and parentheses.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const seconds = (index: number): number => Number(fields[index]) / TICKS_PER_SECOND;
  return {
    command: text.slice(text.indexOf('(') + 1, end),
    parent: Number(fields[1]),
    own: seconds(11) + seconds(12),
    ended: seconds(13) + seconds(14),
  };
}

/** Seconds of processor time that a process has used so far; NaN where that cannot be known. */
export const cpuOf = (pid: number): number => stat(pid)?.own ?? NaN;

/** The server process behind one of PostgreSQL's sessions; undefined where it runs elsewhere. */
export function postmasterOf(sessionPid: number): number | undefined {
  const session = stat(sessionPid);
  if (session?.command !== 'postgres') return undefined;
  return stat(session.parent)?.command === 'postgres' ? session.parent : undefined;
}

/** Seconds that PostgreSQL has used so far with all of its processes, those that have ended included. */
export function cpuOfPostgres(postmaster: number | undefined): number {
  const server = postmaster === undefined ? undefined : stat(postmaster);
  if (!server) return NaN;
  let seconds = server.own + server.ended;
  for (const entry of readdirSync('/proc')) {
    const child = /^\d+$/.test(entry) ? stat(Number(entry)) : undefined;
    if (child?.parent === postmaster) seconds += child?.own ?? 0;
  }
  return seconds;
}

/** Bytes of memory that a process holds; NaN where that cannot be known. */
export function memoryOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  } catch {
    return NaN;
  }
}
