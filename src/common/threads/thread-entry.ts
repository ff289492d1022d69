/** How a thread is started from built files; tests that run from TypeScript have one of their own. */
export const THREAD_ENTRY: { readonly file: URL; readonly execArgv: readonly string[] } = {
  file: new URL('./thread.js', import.meta.url),
  execArgv: [],
};
