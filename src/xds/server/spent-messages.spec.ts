import { describe, expect, it } from '@jest/globals';
import { forgetSpentMessages } from './spent-messages.js';

interface Decoder {
  readonly readPartialMessage: readonly Buffer[];
  readonly readCompressFlag: Buffer;
  write(data: Buffer): readonly Buffer[];
}

class Other {
  readonly readState = 0;
  readonly readPartialMessage = [];
  write(): readonly Buffer[] {
    return [first];
  }
}

const first = Buffer.from([0, 0, 0, 0, 3, 1, 2, 3]);
const second = Buffer.from([1, 0, 0, 0, 1, 9]);

describe('messages that were handed over', () => {
  it('are let go of by the grpc-js that is installed, which reads on as before', async () => {
    expect(await forgetSpentMessages()).toBe(true);
    expect(await forgetSpentMessages()).toBe(true);
    const { StreamDecoder } = (await import('@grpc/grpc-js/build/src/stream-decoder.js')) as unknown as {
      readonly StreamDecoder: new (maxLength: number) => Decoder;
    };
    const decoder = new StreamDecoder(-1);
    const bytes = Buffer.concat([first, second, first]);
    expect(decoder.write(bytes.subarray(0, 10))).toEqual([first]);
    expect(decoder.write(bytes.subarray(10))).toEqual([second, first]);
    expect(decoder.readPartialMessage).toEqual([]);
    expect(decoder.readCompressFlag.buffer).not.toBe(bytes.buffer);
    for (const byte of first) decoder.write(Buffer.from([byte]));
    expect(decoder.write(second)).toEqual([second]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is not there', () => Promise.reject(new Error('no such module'))],
    ['is no class', () => Promise.resolve({})],
    ['has no such method', () => Promise.resolve(Object)],
    ['reads otherwise', () => Promise.resolve(Other)],
  ])('are left alone where the private API %s', async (_, load) => {
    expect(await forgetSpentMessages(load)).toBe(false);
  });
});
