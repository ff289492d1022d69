import type { THREAD_ENTRY as Entry } from '../../src/common/threads/thread-entry.js';

/** In the place of the entry of built files: threads of tests run from TypeScript, as the tests do. */
export const THREAD_ENTRY: typeof Entry = {
  file: new URL('../../src/common/threads/thread.ts', import.meta.url),
  execArgv: ['--import', new URL('./typescript-hooks.mjs', import.meta.url).href],
};
