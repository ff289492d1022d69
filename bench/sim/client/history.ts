import type { Kind } from './kinds.ts';

/** Name and version of a resource, and for endpoints and secrets what they say (see `Resource.detail`). */
export type Given = readonly [name: string, version: string, detail: string];

/** What a client claims in its first request of a kind on a stream to have from before. */
export interface Claim {
  /** State of the world. */
  readonly version: string;
  /** Incremental. */
  readonly versions: readonly (readonly [name: string, version: string])[];
}

/** What happens to one client, in its own order; times are milliseconds of the machine's clock. */
export type HistoryEvent = { readonly at: number } & (
  | { readonly what: 'opened'; readonly replica: number; readonly process: number }
  /** It asks for names, all of them given; for a root kind none. */
  | {
      readonly what: 'asked';
      readonly kind: Kind;
      readonly names: readonly string[];
      readonly added: readonly string[];
      readonly dropped: readonly string[];
      /** In its first request of the kind on the stream. */
      readonly claim: Claim | undefined;
    }
  /** A response came and was applied, but for what was refused of it. */
  | {
      readonly what: 'got';
      readonly kind: Kind;
      readonly version: string;
      readonly nonce: string;
      readonly resources: readonly Given[];
      readonly removed: readonly string[];
      readonly refused: readonly string[];
      readonly misnamed: readonly string[];
    }
  | { readonly what: 'answered'; readonly kind: Kind; readonly nonce: string; readonly isRefusal: boolean }
  | { readonly what: 'ended'; readonly why: string }
  /** Its connection says nothing any more, and is not closed. */
  | { readonly what: 'fell silent' }
  /** A new process, which has nothing. */
  | { readonly what: 'restarted' }
);

/** An event before it has a time. */
export type Happening = HistoryEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'at'> : never) : never;
