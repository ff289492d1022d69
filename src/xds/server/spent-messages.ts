/** What this takes from grpc-js: what a call keeps of what it reads (`StreamDecoder` of its stream-decoder.js). */
interface Decoder {
  /** 0 between messages. */
  readState: number;
  readCompressFlag: Buffer;
  readPartialMessage: Buffer[];
  write: (this: Decoder, data: Buffer) => Buffer[];
}

type DecoderClass = new (maxLength: number) => Decoder;

const NOTHING_READ = Buffer.alloc(1);
/** The prototypes that it is done to. */
const done = new WeakSet<Decoder>();

/**
 * Has grpc-js let go of a message that it has handed over. Its decoder keeps views of what came from the socket until the next message begins, so
 * a stream that has said what it has to say would keep up to 64 KB for as long as it lives. Private API: where it is not what it was,
 * nothing is done.
 * @param load for tests
 * @returns whether it is done, now or before
 */
export async function forgetSpentMessages(load: () => Promise<unknown> = loadDecoder): Promise<boolean> {
  const decoder = await load().catch(() => null);
  if (!isAsExpected(decoder)) return false;
  const { prototype } = decoder as { readonly prototype: Decoder };
  if (done.has(prototype)) return true;
  done.add(prototype);
  const { write } = prototype;
  prototype.write = function (data) {
    const messages = write.call(this, data);
    if (this.readState === 0) {
      this.readCompressFlag = NOTHING_READ;
      this.readPartialMessage = [];
    }
    return messages;
  };
  return true;
}

async function loadDecoder(): Promise<unknown> {
  const { StreamDecoder } = await import('@grpc/grpc-js/build/src/stream-decoder.js');
  return StreamDecoder;
}

/** Whether nothing of a message that was read in full is needed for the next. */
function isAsExpected(decoder: unknown): decoder is DecoderClass {
  if (typeof decoder !== 'function') return false;
  const sample = Buffer.from([0, 0, 0, 0, 2, 7, 8]);
  try {
    const one = new (decoder as DecoderClass)(-1);
    for (let i = 0; i < 2; i += 1) {
      const begun = one.write(sample.subarray(0, 6));
      const isBegun = begun.length === 0 && one.readState !== 0 && Array.isArray(one.readPartialMessage);
      const [message, ...more] = one.write(sample.subarray(6));
      if (!isBegun || one.readState !== 0 || more.length > 0 || message?.equals(sample) !== true) return false;
      one.readCompressFlag = NOTHING_READ;
      one.readPartialMessage = [];
    }
    return true;
  } catch {
    return false;
  }
}
