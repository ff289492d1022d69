import { beforeEach, describe, expect, it } from '@jest/globals';
import type { DeniedAccess, DeniedAccessLog } from '../../common/audit/denied-access.js';
import { Clock } from '../../common/clock/clock.js';
import { DatabaseUnavailable } from '../../common/database/errors.js';
import type { AuthenticatedProxy, ProxyCredentials } from '../../infrastructure/index.js';
import { KnownCredentials } from './known-credentials.js';
import { CredentialAuthenticator } from './stream-authenticator.js';

const MINUTE = 60_000;
const TOKEN = 'efmsp_the-token';
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

describe('CredentialAuthenticator', () => {
  let clock: TestClock;
  let found: AuthenticatedProxy | undefined;
  let failure: Error | undefined;
  let lookups: number;
  let known: KnownCredentials;
  let denied: DeniedAccess[];
  let authenticator: CredentialAuthenticator;

  beforeEach(() => {
    clock = new TestClock();
    found = { ...identity, expiresAt: null, revokedAt: null };
    failure = undefined;
    lookups = 0;
    known = new KnownCredentials(clock);
    denied = [];
    const credentials: Pick<ProxyCredentials, 'authenticate'> = {
      authenticate: async () => {
        lookups += 1;
        await Promise.resolve();
        if (failure) throw failure;
        return found;
      },
    };
    const log: Pick<DeniedAccessLog, 'record'> = { record: (entry) => denied.push(entry) };
    authenticator = new CredentialAuthenticator(credentials as ProxyCredentials, known, log as DeniedAccessLog, clock);
  });

  const authenticate = () => authenticator.authenticate(TOKEN, PEER);

  it('gives the identity of a good token', async () => {
    expect(await authenticate()).toEqual(identity);
    expect(denied).toEqual([]);
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
    ['no token', undefined, 'no bearer token'],
    ['an unknown token', TOKEN, 'unknown token'],
  ])('refuses %s as unauthenticated, and audits it without the token', async (_, token, reason) => {
    found = undefined;
    await expect(authenticator.authenticate(token, PEER)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(denied).toEqual([
      expect.objectContaining({ tenantId: null, action: 'xds.connect', reason, ip: '::1', resourceType: 'proxy' }),
    ]);
    expect(JSON.stringify(denied)).not.toContain(TOKEN);
  });

  it.each([
    ['revoked', { expiresAt: null, revokedAt: new Date(0) }],
    ['expired', { expiresAt: new Date(999_999), revokedAt: null }],
  ])('refuses a %s token and audits it in its tenant', async (word, state) => {
    found = { ...identity, ...state };
    await expect(authenticate()).rejects.toMatchObject({
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
    await expect(authenticator.authenticate('efmsp_other', PEER)).rejects.toMatchObject({ code: 'unavailable' });
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
    found = { ...identity, expiresAt: new Date(clock.time + MINUTE), revokedAt: null };
    await authenticate();
    failure = new DatabaseUnavailable('away');
    clock.time += 2 * MINUTE;
    await expect(authenticate()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('forgets a token at once when it is found revoked', async () => {
    await authenticate();
    clock.time += 2_000;
    found = { ...identity, expiresAt: null, revokedAt: new Date(0) };
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
