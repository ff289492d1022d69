import { describe, expect, it } from '@jest/globals';
import { encodeDeltaRequest, encodeSotwRequest } from '../../../../test/kit/xds-wire.js';
import { resourceType } from '../../resource-types.js';
import { readDeltaRequest, readSotwRequest } from './discovery-request.js';
import { bytesHeader, stringField } from './protobuf.js';
import { readOnce } from './read-once.js';

const { typeUrl } = resourceType('endpoint');

describe('what many send alike', () => {
  it('is read once, and read again where it differs', () => {
    let reads = 0;
    const read = readOnce((bytes) => ({ text: bytes.toString(), number: (reads += 1) }));
    const first = read(Buffer.from('a'));
    expect(read(Buffer.from('a'))).toBe(first);
    expect(read(Buffer.from('b'))).toEqual({ text: 'b', number: 2 });
  });

  it('is not remembered where it cannot be read', () => {
    let reads = 0;
    const read = readOnce(() => {
      reads += 1;
      throw new Error('no');
    });
    for (let i = 0; i < 2; i += 1) expect(() => read(Buffer.from('a'))).toThrow('no');
    expect(reads).toBe(2);
  });

  it('makes equal lists of requests the same object, whatever else is in the requests', () => {
    const names = ['a', 'b'];
    const versions = { a: '1', b: '2' };
    const [one, other] = ['1', '2'].map((nonce) =>
      readDeltaRequest(encodeDeltaRequest({ typeUrl, subscribe: names, versions, nonce })),
    );
    expect(other?.subscribe).toBe(one?.subscribe);
    expect(other?.initialResourceVersions).toBe(one?.initialResourceVersions);
    expect(readSotwRequest(encodeSotwRequest({ typeUrl, names })).resourceNames).toBe(one?.subscribe);
  });

  it('is put together where other fields stand between', () => {
    const version = (name: string): Buffer => {
      const entry = Buffer.concat([stringField(1, name), stringField(2, '1')]);
      return Buffer.concat([bytesHeader(5, entry.length), entry]);
    };
    const parts = [stringField(3, 'a'), version('x'), stringField(3, 'b'), stringField(3, 'c'), version('y')];
    const { subscribe, initialResourceVersions } = readDeltaRequest(Buffer.concat(parts));
    expect(subscribe).toEqual(['a', 'b', 'c']);
    expect([...initialResourceVersions.keys()]).toEqual(['x', 'y']);
  });
});
