/** Milliseconds of the clock that all processes of a machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

const OFFSET = now() - performance.now();

/** The same at less cost. */
export const cheapNow = (): number => OFFSET + performance.now();
