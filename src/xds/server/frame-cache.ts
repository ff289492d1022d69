import { withPrefix } from './framed-messages.js';
import type { Contents } from './holdings.js';
import { remembered } from './remembered.js';

/** What a response says, and how it is written. */
export interface FrameDraft {
  readonly contents: Contents;
  encode(nonce: string): Buffer;
}

/** An encoded response that streams may share, nonce included. */
export interface Frame {
  /** The same object for all that share the frame, or had one of the same key before. */
  readonly contents: Contents;
  readonly bytes: Buffer;
  readonly nonce: string;
  /** Unique in the process and growing; the nonce is this number in base 36. */
  readonly sequence: number;
}

const MAX_FRAMES = 64;
const MAX_BYTES = 32 * 1024 * 1024;

let lastSequence = 0;

/**
 * The encoded responses of one snapshot, so that a thousand streams that need the same bytes have them encoded once
 * (ARCHITECTURE.md, rule 10). A nonce has to be new on its own stream only, so a frame with its nonce is shared; a stream that
 * has already seen a nonce as new as the cached one gets a newer frame, which then takes the old one's place. Bounded by number
 * and bytes, the least recently used frame goes first.
 */
export class FrameCache {
  private readonly frames = new Map<string, Frame>();
  private bytes = 0;

  /**
   * @param key names the content without the nonce
   * @param after number of the newest frame of the type on the stream; the frame returned is newer
   */
  frame(key: string, after: number, draft: FrameDraft): Frame {
    const cached = this.frames.get(key);
    if (cached) this.remove(key, cached);
    const frame = cached && cached.sequence > after ? cached : newFrame(draft, cached?.contents ?? draft.contents);
    this.frames.set(key, frame);
    this.bytes += frame.bytes.length;
    this.evict();
    return frame;
  }

  private evict(): void {
    for (const [key, frame] of this.frames) {
      if (this.frames.size <= MAX_FRAMES && this.bytes <= MAX_BYTES) return;
      this.remove(key, frame);
    }
  }

  private remove(key: string, frame: Frame): void {
    this.frames.delete(key);
    this.bytes -= frame.bytes.length;
  }
}

function newFrame(draft: FrameDraft, contents: Contents): Frame {
  const sequence = ++lastSequence;
  const nonce = sequence.toString(36);
  return { contents, bytes: withPrefix(draft.encode(nonce)), nonce, sequence };
}

/** The frames of a snapshot; they live and die with it. */
export const framesOf = remembered((_snapshot: object) => new FrameCache());
