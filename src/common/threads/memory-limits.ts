import type { ResourceLimits } from 'node:worker_threads';

/** V8 makes a third of it old at once at most. */
const YOUNG_MB = 24;

/**
 * The most memory that JavaScript may take in one thread. Beyond it the thread ends with `ERR_WORKER_OUT_OF_MEMORY`; but where V8 needs more
 * than 16 MiB before it can be interrupted, the whole process ends. So little is kept young, which may become old all at once, and
 * nothing unbounded is given to a single call of V8's own, as `JSON.parse` is.
 */
export const memoryLimits = (megabytes: number): ResourceLimits => ({
  maxOldGenerationSizeMb: megabytes,
  maxYoungGenerationSizeMb: YOUNG_MB,
});
