import { AsyncLocalStorage } from 'node:async_hooks';

const rehearsals = new AsyncLocalStorage<boolean>();

/** Whether the caller's work is to leave nothing behind. */
export const isRehearsal = (): boolean => rehearsals.getStore() === true;

/** Calls `work` as a rehearsal, and all that it calls. */
export const rehearsed = <T>(work: () => T): T => rehearsals.run(true, work);

/** Calls `work` in earnest, whoever calls. */
export const performed = <T>(work: () => T): T => rehearsals.run(false, work);
