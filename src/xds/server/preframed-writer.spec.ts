import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { framed, withPrefix } from './framed-messages.js';
import { usePreframedWriter } from './preframed-writer.js';

const MESSAGE = Buffer.from('a message of some length');

type Serialize = (message: unknown) => Buffer;

/** As grpc-js 1.14 does it. */
function serializeMessage(this: { handler: { serialize: Serialize } }, message: unknown): Buffer {
  const bytes = this.handler.serialize(message);
  const output = Buffer.alloc(bytes.length + 5);
  output.writeUInt32BE(bytes.length, 1);
  bytes.copy(output, 5);
  return output;
}

describe('a framed message', () => {
  it('is found again by the message alone', () => {
    const message = withPrefix(MESSAGE);
    expect(message).toEqual(MESSAGE);
    expect(framed(message)).toEqual(Buffer.concat([Buffer.from([0, 0, 0, 0, MESSAGE.length]), MESSAGE]));
    expect(framed(MESSAGE)).toBeUndefined();
    expect(framed({})).toBeUndefined();
  });
});

describe('the pre-framed writer', () => {
  let takeBack: (() => void) | null = null;
  afterEach(() => takeBack?.());

  it('writes framed messages as they are, others as before, and can be taken back', async () => {
    const prototype = { serializeMessage };
    const serialize = jest.fn((message: unknown) => message as Buffer);
    const call = { handler: { serialize }, __proto__: prototype } as unknown as { serializeMessage: Serialize };
    takeBack = await usePreframedWriter(() => Promise.resolve(prototype));
    const message = withPrefix(MESSAGE);
    expect(call.serializeMessage(message)).toBe(framed(message));
    expect(serialize).not.toHaveBeenCalled();
    expect(call.serializeMessage(MESSAGE)).toEqual(framed(message));
    expect(await usePreframedWriter(() => Promise.resolve(prototype))).toBe(takeBack);
    takeBack?.();
    expect(prototype.serializeMessage).toBe(serializeMessage);
  });

  it('knows the grpc-js that is installed', async () => {
    takeBack = await usePreframedWriter();
    expect(takeBack).not.toBeNull();
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is not there', () => Promise.reject(new Error('no such module'))],
    ['has no such method', () => Promise.resolve({})],
    ['frames otherwise', () => Promise.resolve({ serializeMessage: (message: Buffer) => message })],
    [
      'needs more of the call',
      () => Promise.resolve({ serializeMessage: (): Buffer => Buffer.from(String(undefined)) }),
    ],
    [
      'throws',
      () =>
        Promise.resolve({
          serializeMessage: (): Buffer => {
            throw new Error('otherwise');
          },
        }),
    ],
  ])('is not used where the private API %s', async (_, load) => {
    expect(await usePreframedWriter(load)).toBeNull();
  });
});
