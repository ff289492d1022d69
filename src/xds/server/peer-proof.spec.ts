import type { PeerCertificate } from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { proofOf, type ProvingCall } from './peer-proof.js';

const RAW = Buffer.from('DER');

const call = (getAuthContext: ProvingCall['getAuthContext'], authorization?: string): ProvingCall => {
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  return { metadata, getAuthContext };
};

describe('proofOf', () => {
  it.each<[string, ReturnType<ProvingCall['getAuthContext']>, Buffer | undefined]>([
    ['the certificate of a peer', { sslPeerCertificate: { raw: RAW } as PeerCertificate }, RAW],
    ['none where there is TLS without one', { transportSecurityType: 'ssl' }, undefined],
    ['none without TLS', {}, undefined],
  ])('has %s', (_, context, certificate) => {
    const proof = proofOf(call(() => context));
    expect([proof.token, proof.certificate()]).toEqual([undefined, certificate]);
  });

  it('asks for no certificate by itself, and has none of a connection that has gone', () => {
    const proof = proofOf(
      call(() => {
        throw new Error('the socket is gone');
      }, 'Bearer abc'),
    );
    expect(proof.token).toBe('abc');
    expect(proof.certificate()).toBeUndefined();
  });
});
