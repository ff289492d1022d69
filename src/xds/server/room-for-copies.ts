import { setFlagsFromString } from 'node:v8';

/** The first release of Node whose V8 has the flag; others print a complaint. */
const FIRST_RELEASE = 24;

/**
 * Has V8 weigh memory outside of its heap together with the heap. By itself it begins a collection of the whole heap for each 64 MB there,
 * and a push that is copied for each of thousands of streams is several times that: three collections a push, which took two thirds of its
 * processor time (ADR 0014). Nothing but the time and the memory that it takes depends on it.
 * @param setFlag for tests, as is the version
 */
export function makeRoomForCopies(
  setFlag: (flag: string) => void = setFlagsFromString,
  version = process.version,
): void {
  if (Number(/^v(\d+)/.exec(version)?.[1]) >= FIRST_RELEASE) setFlag('--external-memory-accounted-in-global-limit');
}
