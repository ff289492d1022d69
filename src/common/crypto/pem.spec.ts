import { describe, expect, it } from '@jest/globals';
import { readPem, writePem } from './pem.js';

const der = Buffer.from(Array.from({ length: 100 }, (_, i) => i));

describe('PEM', () => {
  it('is read as it is written, with whatever stands around the blocks', () => {
    const text = `Bag Attributes\n  friendlyName: a\n${writePem('CERTIFICATE', der)}\n\n${writePem('PRIVATE KEY', der)}trailer`;
    const block = { der, isEncrypted: false };
    expect(readPem(text)).toEqual([
      { label: 'CERTIFICATE', ...block },
      { label: 'PRIVATE KEY', ...block },
    ]);
    expect(readPem(text.replaceAll('\n', '\r\n'))).toEqual(readPem(text));
    expect(readPem('')).toEqual([]);
  });

  it('with headers says whether it is encrypted', () => {
    const text = writePem('RSA PRIVATE KEY', der).replace(
      '-----\n',
      '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\n',
    );
    expect(readPem(text)).toEqual([{ label: 'RSA PRIVATE KEY', der: Buffer.alloc(0), isEncrypted: true }]);
  });

  it.each([
    ['an end is missing', writePem('CERTIFICATE', der).replace(/-----END.*/, '')],
    ['the end is another’s', writePem('CERTIFICATE', der).replace('END CERTIFICATE', 'END X')],
    ['a block begins in a block', `-----BEGIN A-----\n${writePem('CERTIFICATE', der)}`],
    ['the content is no base64', '-----BEGIN A-----\n*\n-----END A-----'],
  ])('is not read where %s', (_, text) => {
    expect(readPem(text)).toBeUndefined();
  });
});
