import type { Address } from './client/dial.ts';
import type { Change } from './documents.ts';

/** A server under load, whichever it is. */
export interface Side {
  readonly name: string;
  readonly address: Address;
  readonly proxies: readonly { readonly nodeId: string; readonly token: string }[];
  /** Makes ready what will be pushed, in this order. */
  prepare(changes: readonly Change[]): Promise<void>;
  /** Pushes the next of them to all proxies. @returns when that began, in milliseconds of the monotonic clock */
  push(): Promise<number>;
  /** Seconds of processor time so far. */
  cpu(): number;
  /** Streams that it refused or ended so far, by its reasons; none where it does not say. */
  refusals(): Promise<Readonly<Record<string, number>>>;
  /** Bytes. */
  memory(): number;
  stop(): Promise<void>;
}
