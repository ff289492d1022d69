import { describe, expect, it } from '@jest/globals';
import { field } from './protobuf.ts';
import { type ResponseFacts, ResponseReader } from './response-reader.ts';

const message = (...fields: Buffer[]): Buffer => {
  const content = Buffer.concat(fields);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(content.length, 1);
  return Buffer.concat([prefix, content]);
};

const CANARY = Buffer.from([3 * 8, 1]);
const bytes = Buffer.concat([
  message(field(1, 'v1'), field(2, Buffer.alloc(300)), field(2, ''), CANARY, field(4, 'a type'), field(5, 'n1')),
  message(),
  message(field(6, 'gone'), field(5, 'n2')),
]);
const nothing = { version: '', typeUrl: '', nonce: '', resources: 0, removed: 0, bytes: 0 };
const facts: ResponseFacts[] = [
  { version: 'v1', typeUrl: 'a type', nonce: 'n1', resources: 2, removed: 0, bytes: 323 },
  nothing,
  { ...nothing, nonce: 'n2', removed: 1, bytes: 10 },
];

describe('the reader of responses', () => {
  it.each([1, 2, 3, 7, 64, 1000])('reads them in pieces of %i bytes', (size) => {
    const read: ResponseFacts[] = [];
    const reader = new ResponseReader((response) => read.push(response));
    for (let at = 0; at < bytes.length; at += size) reader.read(bytes, at, Math.min(bytes.length, at + size));
    expect(read).toEqual(facts);
  });

  it('refuses what is compressed', () => {
    const reader = new ResponseReader(() => undefined);
    expect(() => reader.read(Buffer.from([1]), 0, 1)).toThrow('compressed');
  });
});
