import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DeniedAccess, DeniedAccessLog } from '../../common/audit/denied-access.js';
import { Clock } from '../../common/clock/clock.js';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import type { AuthenticatedProxy, ProxyCredentials } from '../../infrastructure/index.js';
import type { PeerProof } from '../server/ports.js';
import { KnownCredentials } from './known-credentials.js';
import { CredentialAuthenticator } from './stream-authenticator.js';

const MINUTE = 60_000;
const TOKEN = 'efmsp_the-token';
const CERTIFICATE = Buffer.from('DER of a certificate');
const PEER = '[::1]:5000';

class TestClock extends Clock {
  time = 1_000_000;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
}

const identity = { tenantId: 't', proxyId: 'p', nodeId: 'n', credentialId: 'c', credentialEpoch: 3 };

const GOOD = { notBefore: null, expiresAt: null, revokedAt: null };

const withToken = (token: string | undefined): PeerProof => ({ token, certificate: () => undefined });
const withCertificate = (certificate = CERTIFICATE): PeerProof => ({
  token: undefined,
  certificate: () => certificate,
});

describe('CredentialAuthenticator', () => {
  let clock: TestClock;
  let found: AuthenticatedProxy | undefined;
  let failure: Error | undefined;
  let lookups: number;
  let asked: (string | Buffer)[];
  let known: KnownCredentials;
  let denied: DeniedAccess[];
  let authenticator: CredentialAuthenticator;

  beforeEach(() => {
    clock = new TestClock();
    found = { ...identity, ...GOOD };
    failure = undefined;
    lookups = 0;
    asked = [];
    known = new KnownCredentials(clock);
    denied = [];
    const lookUp = async (credential: string | Buffer) => {
      lookups += 1;
      asked.push(credential);
      await Promise.resolve();
      if (failure) throw failure;
      return found;
    };
    const credentials: Pick<ProxyCredentials, 'authenticate' | 'authenticateCertificate'> = {
      authenticate: lookUp,
      authenticateCertificate: lookUp,
    };
    const log: Pick<DeniedAccessLog, 'record'> = { record: (entry) => denied.push(entry) };
    authenticator = new CredentialAuthenticator(credentials as ProxyCredentials, known, log as DeniedAccessLog, clock);
  });

  const authenticate = () => authenticator.authenticate(withToken(TOKEN), PEER);

  it('gives the identity of a good token', async () => {
    expect(await authenticate()).toEqual(identity);
    expect(denied).toEqual([]);
  });

  it('gives the identity of a good certificate, which it knows for 15 minutes while the database is away', async () => {
    expect(await authenticator.authenticate(withCertificate(), PEER)).toEqual(identity);
    expect(asked).toEqual([CERTIFICATE]);
    failure = new DatabaseUnavailable('away');
    clock.time += 14 * MINUTE;
    expect(await authenticator.authenticate(withCertificate(), PEER)).toEqual(identity);
    const other = withCertificate(Buffer.from('another'));
    await expect(authenticator.authenticate(other, PEER)).rejects.toMatchObject({ code: 'unavailable' });
    clock.time += 2 * MINUTE;
    await expect(authenticator.authenticate(withCertificate(), PEER)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('asks for no certificate where there is a token, good or not', async () => {
    const both: PeerProof = {
      token: TOKEN,
      certificate: () => {
        throw new Error('not to be asked for');
      },
    };
    expect(await authenticator.authenticate(both, PEER)).toEqual(identity);
    clock.time += 1_001;
    found = undefined;
    await expect(authenticator.authenticate(both, PEER)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked).toEqual([TOKEN, TOKEN]);
  });

  it('looks a token up once in a storm, and again after a second', async () => {
    await Promise.all([authenticate(), authenticate()]);
    await authenticate();
    expect(lookups).toBe(1);
    clock.time += 1_001;
    await authenticate();
    expect(lookups).toBe(2);
  });

  it.each([
    ['nothing at all', withToken(undefined), 'no bearer token and no client certificate'],
    ['an unknown token', withToken(TOKEN), 'unknown token'],
    ['an unknown certificate', withCertificate(), 'unknown client certificate'],
  ])('refuses %s as unauthenticated, and audits it without the token', async (_, proof, reason) => {
    found = undefined;
    await expect(authenticator.authenticate(proof, PEER)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(denied).toEqual([
      expect.objectContaining({ tenantId: null, action: 'xds.connect', reason, ip: '::1', resourceType: 'proxy' }),
    ]);
    expect(JSON.stringify(denied)).not.toContain(TOKEN);
  });

  it.each([
    ['revoked', withToken(TOKEN), { revokedAt: new Date(0) }],
    ['expired', withToken(TOKEN), { expiresAt: new Date(999_999) }],
    ['revoked', withCertificate(), { revokedAt: new Date(0) }],
    ['expired', withCertificate(), { expiresAt: new Date(999_999) }],
    ['not valid yet', withCertificate(), { notBefore: new Date(1_000_001) }],
  ])('refuses a credential that is %s and audits it in its tenant', async (word, proof, state) => {
    found = { ...identity, ...GOOD, ...state };
    await expect(authenticator.authenticate(proof, PEER)).rejects.toMatchObject({
      code: 'permission_denied',
      reason: `the credential is ${word}`,
    });
    expect(denied).toEqual([
      expect.objectContaining({ tenantId: 't', resourceId: 'p', reason: `the credential is ${word}` }),
    ]);
  });

  it('accepts a known token for 15 minutes while the database is away, and an unknown one never', async () => {
    await authenticate();
    failure = new DatabaseUnavailable('away');
    clock.time += 14 * MINUTE;
    expect(await authenticate()).toEqual(identity);
    await expect(authenticator.authenticate(withToken('efmsp_other'), PEER)).rejects.toMatchObject({
      code: 'unavailable',
    });
    clock.time += 2 * MINUTE;
    await expect(authenticate()).rejects.toMatchObject({ code: 'unavailable' });
    expect(denied).toEqual([]);
  });

  it('goes on knowing a token that was confirmed meanwhile', async () => {
    await authenticate();
    clock.time += 60 * MINUTE;
    known.confirm('c');
    failure = new DatabaseUnavailable('away');
    clock.time += 10 * MINUTE;
    expect(await authenticate()).toEqual(identity);
  });

  it('does not know a token that was found revoked, or has expired since', async () => {
    await authenticate();
    known.forget('c');
    failure = new DatabaseUnavailable('away');
    await expect(authenticate()).rejects.toMatchObject({ code: 'unavailable' });

    failure = undefined;
    found = { ...identity, ...GOOD, expiresAt: new Date(clock.time + MINUTE) };
    await authenticate();
    failure = new DatabaseUnavailable('away');
    clock.time += 2 * MINUTE;
    await expect(authenticate()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('forgets a token at once when it is found revoked', async () => {
    await authenticate();
    clock.time += 2_000;
    found = { ...identity, ...GOOD, revokedAt: new Date(0) };
    await expect(authenticate()).rejects.toMatchObject({ code: 'permission_denied' });
    failure = new DatabaseUnavailable('away');
    await expect(authenticate()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('audits what the server itself refuses, also from a peer without an address', () => {
    authenticator.refused(identity, 'the node id is not that of the credential', 'unknown');
    expect(denied).toEqual([
      {
        tenantId: 't',
        actor: { kind: 'proxy', id: 'p', name: 'n' },
        action: 'xds.connect',
        resourceType: 'proxy',
        resourceId: 'p',
        reason: 'the node id is not that of the credential',
      },
    ]);
  });
});
