import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resource } from '../../../../test/kit/xds-stream.js';
import {
  decodeDeltaResponse,
  decodeSotwResponse,
  encodeDeltaRequest,
  encodeNode,
  encodeSotwRequest,
} from '../../../../test/kit/xds-wire.js';
import { resourceType } from '../../resource-types.js';
import { readDeltaRequest, readSotwRequest, REQUEST_LIMITS } from './discovery-request.js';
import { encodeDeltaResponse, encodeSotwResponse } from './discovery-response.js';
import { readNode } from './node.js';
import { MalformedMessage, Reader, stringField, varint } from './protobuf.js';

const typeUrl = resourceType('cluster').typeUrl;

describe('the reader of requests', () => {
  it('reads the fields of a state-of-the-world request', () => {
    const node = encodeNode();
    const bytes = encodeSotwRequest({
      typeUrl,
      version: 'v',
      names: ['a', 'ü'],
      nonce: 'n',
      error: { code: 13, message: 'no' },
      node,
    });
    expect(readSotwRequest(bytes)).toEqual({
      typeUrl,
      versionInfo: 'v',
      resourceNames: ['a', 'ü'],
      responseNonce: 'n',
      errorDetail: { code: 13, message: 'no' },
      node,
    });
  });

  it('reads the fields of an incremental request', () => {
    const bytes = encodeDeltaRequest({
      typeUrl,
      subscribe: ['a'],
      unsubscribe: ['b'],
      versions: { c: '1', d: '2' },
      nonce: 'n',
    });
    expect(readDeltaRequest(bytes)).toEqual({
      typeUrl,
      subscribe: ['a'],
      unsubscribe: ['b'],
      initialResourceVersions: new Map([
        ['c', '1'],
        ['d', '2'],
      ]),
      responseNonce: 'n',
      errorDetail: null,
      node: null,
    });
  });

  it('tells an empty error_detail from none: it is a NACK', () => {
    expect(readSotwRequest(Buffer.from([0x32, 0x00])).errorDetail).toEqual({ code: 0, message: '' });
    expect(readDeltaRequest(Buffer.from([0x3a, 0x00])).errorDetail).toEqual({ code: 0, message: '' });
  });

  it('leaves the node undecoded, as a view of the request', () => {
    const bytes = encodeSotwRequest({ typeUrl, node: encodeNode({ extensions: 516 }) });
    expect(readSotwRequest(bytes).node?.buffer).toBe(bytes.buffer);
  });

  it('steps over fields that it does not know, of every wire type', () => {
    const unknown = Buffer.concat([
      Buffer.concat([varint(100 * 8), varint(300)]),
      Buffer.concat([varint(101 * 8 + 1), Buffer.alloc(8)]),
      stringField(102, 'text'),
      Buffer.concat([varint(103 * 8 + 5), Buffer.alloc(4)]),
    ]);
    expect(readSotwRequest(Buffer.concat([unknown, stringField(4, typeUrl)])).typeUrl).toBe(typeUrl);
    expect(readDeltaRequest(Buffer.concat([unknown, stringField(2, typeUrl)])).typeUrl).toBe(typeUrl);
    expect(readNode(Buffer.concat([unknown, stringField(1, 'p1')])).id).toBe('p1');
  });

  it('reads a negative code', () => {
    const status = Buffer.concat([varint(8), Buffer.from('ffffffffffffffffff01', 'hex')]);
    const bytes = Buffer.concat([varint(6 * 8 + 2), varint(status.length), status]);
    expect(readSotwRequest(bytes).errorDetail?.code).toBe(-1);
  });

  it.each([
    ['cut short in a tag', '80'],
    ['cut short in a value', '22057465'],
    ['with a length beyond any message', '22ffffffff0f'],
    ['with a number of more than ten bytes', '08ffffffffffffffffffffff01'],
    ['with a tag of more than five bytes', 'ffffffffffff01'],
    ['with field number 0', '0200'],
    ['with a group', '0b0c'],
    ['with a string that is not UTF-8', '2202c328'],
    ['with a string that contains NUL', '2203610062'],
    ['with a number where a string belongs', '2001'],
    ['with a string in place of a code', '32030a0161'],
  ])('refuses a message %s', (_, hex) => {
    expect(() => readSotwRequest(Buffer.from(hex, 'hex'))).toThrow(MalformedMessage);
  });

  it('refuses more names, and longer ones, than it reads', () => {
    const name = 'x'.repeat(REQUEST_LIMITS.nameBytes);
    expect(readSotwRequest(encodeSotwRequest({ typeUrl, names: [name] })).resourceNames).toEqual([name]);
    expect(() => readSotwRequest(encodeSotwRequest({ typeUrl, names: [`${name}x`] }))).toThrow(MalformedMessage);
    const many = Array.from({ length: REQUEST_LIMITS.names + 1 }, (_, i) => `n${i}`);
    expect(() => readSotwRequest(encodeSotwRequest({ typeUrl, names: many }))).toThrow(
      'more than 20000 resource names',
    );
    expect(() => readDeltaRequest(encodeDeltaRequest({ typeUrl, unsubscribe: many }))).toThrow(MalformedMessage);
    const versions = Object.fromEntries(many.map((n) => [n, '1']));
    expect(() => readDeltaRequest(encodeDeltaRequest({ typeUrl, versions }))).toThrow(MalformedMessage);
  });

  it('takes any bytes for a request or for malformed, and never anything else', () => {
    const valid = [
      encodeSotwRequest({ typeUrl, names: ['a'], error: { code: 1, message: 'x' }, node: encodeNode({ bootId: 'b' }) }),
      encodeDeltaRequest({ typeUrl, subscribe: ['a'], versions: { a: '1' }, node: encodeNode({ zone: 'z' }) }),
    ];
    const mutated = fc
      .tuple(
        fc.constantFrom(...valid),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      )
      .map(([bytes, changes]) => {
        const copy = Buffer.from(bytes);
        for (const [at, byte] of changes) copy[at % copy.length] = byte;
        return copy;
      });
    const bytes = fc.oneof(
      mutated,
      fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array)),
    );
    fc.assert(
      fc.property(bytes, (frame) => {
        for (const read of [readSotwRequest, readDeltaRequest]) {
          try {
            const { node } = read(frame);
            if (node) readNode(node);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedMessage);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the reader of nodes', () => {
  it('reads what EFMS uses and steps over the rest', () => {
    const bytes = encodeNode({ id: 'p1', cluster: 'edge', bootId: 'b-1', zone: 'a', extensions: 516 });
    expect(readNode(bytes)).toEqual({
      id: 'p1',
      cluster: 'edge',
      bootId: 'b-1',
      userAgentName: 'envoy',
      userAgentVersion: '1.40.0',
      zone: 'a',
    });
  });

  it('takes the version as text where there is no build version, and does without what is missing', () => {
    expect(readNode(stringField(7, '1.70.1')).userAgentVersion).toBe('1.70.1');
    expect(readNode(Buffer.alloc(0))).toMatchObject({ id: '', bootId: null, zone: '' });
  });

  it('reads a metadata value that is no string as no boot id', () => {
    const value = Buffer.concat([varint(1 * 8), varint(0)]);
    const entry = Buffer.concat([stringField(1, 'efms.boot_id'), varint(2 * 8 + 2), varint(value.length), value]);
    const struct = Buffer.concat([varint(1 * 8 + 2), varint(entry.length), entry]);
    expect(readNode(Buffer.concat([varint(3 * 8 + 2), varint(struct.length), struct])).bootId).toBeNull();
  });
});

describe('the writer of responses', () => {
  const resources = [resource('cluster', 'a', 'content'), resource('cluster', 'b', 'x'.repeat(20_000))];

  it('writes a state-of-the-world response that reads back', () => {
    const response = decodeSotwResponse(
      encodeSotwResponse({ kind: 'cluster', versionInfo: 'v', nonce: 'n', resources }),
    );
    expect(response).toMatchObject({ kind: 'cluster', version: 'v', nonce: 'n' });
    expect([...response.resources]).toEqual([
      ['a', 'content'],
      ['b', 'x'.repeat(20_000)],
    ]);
  });

  it('writes an incremental response that reads back', () => {
    const response = decodeDeltaResponse(
      encodeDeltaResponse({ kind: 'cluster', systemVersionInfo: 'v', nonce: 'n', resources, removed: ['c', 'd'] }),
    );
    expect(response).toMatchObject({ kind: 'cluster', version: 'v', nonce: 'n', removed: ['c', 'd'] });
    expect([...response.versions]).toEqual(resources.map(({ name, version }) => [name, version]));
    expect(response.resources.get('b')).toBe('x'.repeat(20_000));
  });

  it('writes bytes that differ by the nonce only, at the end', () => {
    const [a, b] = ['1', '2'].map((nonce) =>
      encodeSotwResponse({ kind: 'cluster', versionInfo: 'v', nonce, resources }),
    ) as [Buffer, Buffer];
    expect(a.subarray(0, -1).equals(b.subarray(0, -1))).toBe(true);
    expect(a.equals(b)).toBe(false);
  });

  it('writes numbers as protobuf does', () => {
    expect([0, 127, 128, 300, 0xffff_ffff].map((n) => varint(n).toString('hex'))).toEqual([
      '00',
      '7f',
      '8001',
      'ac02',
      'ffffffff0f',
    ]);
    const reader = new Reader(Buffer.from('08ffffffff0f', 'hex'));
    reader.next();
    expect(reader.int32()).toBe(-1);
  });
});
