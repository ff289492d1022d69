import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { HERE } from './place.ts';

/** One line of what a benchmark found. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be, and whether it is; absent where nothing is asked of it. */
  readonly bar?: { readonly text: string; readonly isMet: boolean };
}

/** The figures with where they were measured, as JSON or as a table for people. */
export interface Surroundings {
  readonly commit: string;
  readonly machine: string;
  /** Processes that wanted to run when it began; figures of a busy machine say little. */
  readonly loadBefore: number;
  readonly at: string;
}

export function surroundings(): Surroundings {
  const [load = NaN] = os.loadavg();
  return {
    commit: commitOf(HERE),
    machine: `${os.cpus().length} × ${os.cpus()[0]?.model ?? os.arch()}, Node ${process.versions.node}`,
    loadBefore: Math.round(load * 100) / 100,
    at: new Date().toISOString(),
  };
}

function commitOf(folder: string): string {
  try {
    return execFileSync('git', ['-C', folder, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** Below the bar. */
export const atMost = (bar: number, value: number, unit: string): Figure['bar'] => ({
  text: `< ${bar} ${unit}`,
  isMet: value < bar,
});

export const atLeast = (bar: number, value: number, unit: string): Figure['bar'] => ({
  text: `≥ ${bar} ${unit}`,
  isMet: value >= bar,
});

/** A table of all figures, each with its bar and MET or MISSED. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, bar }) => [
    name,
    `${shown(value)} ${unit}`,
    bar?.text ?? '',
    bar ? (bar.isMet ? 'MET' : 'MISSED') : '',
  ]);
  return columns([['figure', 'value', 'bar', ''], ...rows]);
}

export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shown(value: number): string {
  if (Number.isNaN(value)) return 'unknown';
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
