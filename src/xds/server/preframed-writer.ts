import { framed } from './framed-messages.js';

/** What this takes from grpc-js: the method that turns a message into the bytes of a DATA frame, on the prototype of a server's calls. */
interface Serializing {
  serializeMessage: (this: { readonly handler: { serialize(message: unknown): Buffer } }, message: unknown) => Buffer;
}

/** How to take it back, by the prototype that it is in. */
const inUse = new WeakMap<object, () => void>();

const SAMPLE = Buffer.from('sample');
const FRAMED_SAMPLE = Buffer.concat([Buffer.from([0, 0, 0, 0, SAMPLE.length]), SAMPLE]);

/**
 * Lets grpc-js write messages that have their prefix already (`framed-messages.ts`) as they are. It would copy each into a new buffer for
 * each stream, which for 100 KB is four fifths of the cost of a push (ADR 0014). This is private API: it is tried first, and where it is
 * not what it was, everything goes on by the public way, which writes the same bytes.
 * @param load for tests
 * @returns takes it back, for the whole process; null where this version of grpc-js works otherwise
 */
export async function usePreframedWriter(load: () => Promise<unknown> = loadPrototype): Promise<(() => void) | null> {
  const prototype = await load().catch(() => null);
  if (!isAsExpected(prototype)) return null;
  const used = inUse.get(prototype);
  if (used) return used;
  const { serializeMessage } = prototype;
  prototype.serializeMessage = function (message) {
    return framed(message) ?? serializeMessage.call(this, message);
  };
  const takeBack = (): void => {
    prototype.serializeMessage = serializeMessage;
    inUse.delete(prototype);
  };
  inUse.set(prototype, takeBack);
  return takeBack;
}

async function loadPrototype(): Promise<unknown> {
  const { BaseServerInterceptingCall } = await import('@grpc/grpc-js/build/src/server-interceptors.js');
  return BaseServerInterceptingCall.prototype;
}

/** Whether it frames a message in the way that `framed-messages.ts` does, and needs nothing of the call but its serializer. */
function isAsExpected(prototype: unknown): prototype is Serializing {
  if (typeof prototype !== 'object' || prototype === null || !('serializeMessage' in prototype)) return false;
  try {
    const { serializeMessage } = prototype as Serializing;
    return serializeMessage.call({ handler: { serialize: () => SAMPLE } }, SAMPLE).equals(FRAMED_SAMPLE);
  } catch {
    return false;
  }
}
