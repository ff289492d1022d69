import os from 'node:os';

/** One core is the event loop's, and PostgreSQL may be on the same machine; never one alone, which one document could take for itself. */
export const usualThreads = (): number => Math.min(4, Math.max(2, os.availableParallelism() - 1));
