import type { ChildProcess } from 'node:child_process';

const living = new Set<ChildProcess>();

// Also after an error that nobody caught, where nothing can be waited for.
process.on('exit', () => {
  for (const child of living) child.kill('SIGTERM');
});

/** Remembers a process, so that it does not outlive this one. */
export function keep<T extends ChildProcess>(child: T): T {
  living.add(child);
  child.once('exit', () => living.delete(child));
  return child;
}

/** Ends a process and resolves when it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (!living.has(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** When this process is told to end, ends all others first and calls `clear`. */
export function onSignals(clear: () => Promise<void>): void {
  const leave = async (signal: keyof typeof NUMBERS): Promise<void> => {
    await Promise.all([...living].map(end));
    await clear();
    process.exit(128 + NUMBERS[signal]);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void leave(signal));
}
