import type { QuarantineCause } from './quarantine-rows.js';

/** What Envoy says where a port, a file, a right or a limit of its machine stands in the way (envoy-behaviour.md, "NACK"). */
const OF_THE_MACHINE =
  /address already in use|cannot bind|cannot assign requested address|permission denied|operation not permitted|no such file|unable to read file|invalid path: |too many open files|no space left|cannot allocate memory/i;

/** Guesses from Envoy's words, once cleaned, whether what it refused may be taken later as it is. */
export function causeOf(message: string): QuarantineCause {
  return OF_THE_MACHINE.test(message) ? 'machine' : 'content';
}
