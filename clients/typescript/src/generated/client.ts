// Written by tools/typescript-client.mjs from docs/reference/openapi.json: "npm run openapi" writes it anew.

import { type Answer, type CallOptions, type ClientOptions, type StreamMessage, Transport } from '../transport.js';
import type * as t from './types.js';

class AuthOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Log in with e-mail and password
   * Ten failures of an e-mail, or a hundred of an address, in a quarter of an hour are answered 429. Needs no credential.
   */
  login(body: t.Login, options: CallOptions = {}): Promise<Answer<t.Session, 200>> {
    return this.transport.call({ method: 'POST', path: `/api/v1/auth/login`, body, signal: options.signal });
  }

  /**
   * Get the next session for a refresh token
   * Each refresh token works once. One that comes again ends the login it belongs to. Needs no credential.
   */
  refresh(body: t.RefreshToken, options: CallOptions = {}): Promise<Answer<t.Session, 200>> {
    return this.transport.call({ method: 'POST', path: `/api/v1/auth/refresh`, body, signal: options.signal });
  }

  /**
   * Set your password with an invitation
   * Then log in with it. Needs no credential.
   */
  acceptInvitation(body: t.AcceptInvitation, options: CallOptions = {}): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/auth/accept-invitation`,
      body,
      signal: options.signal,
    });
  }

  /**
   * End the login that a refresh token belongs to
   * Needs no credential.
   */
  logout(body: t.RefreshToken, options: CallOptions = {}): Promise<Answer<undefined, 204>> {
    return this.transport.call({ method: 'POST', path: `/api/v1/auth/logout`, body, signal: options.signal });
  }
}

class MeOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Who you are, in which tenant, and what you may do
   * Any credential will do.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  me(options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Me, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/me`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Change your password
   * Ends your other logins; not for API keys. Any credential will do.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  changePassword(
    body: t.ChangePassword,
    options: CallOptions & { readonly tenant?: string } = {},
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/me/password`,
      headers: { 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }
}

class ApiKeysOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List the active API keys of the tenant
   * Needs `api-keys:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.userId Only keys that act as this user.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly userId?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ApiKeyPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/api-keys`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, userId: options.userId },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly userId?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.ApiKey, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/api-keys`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, userId: options.userId },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make an API key
   * It acts as you. The key is shown this once. Needs `api-keys:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateApiKey,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.IssuedApiKey, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/api-keys`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read an active API key; never the key itself
   * Needs `api-keys:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.ApiKey, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/api-keys/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Revoke an API key
   * Every replica refuses it within a second. Needs `api-keys:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  revoke(
    id: string,
    options: CallOptions & { readonly dryRun?: 'true' | 'false'; readonly tenant?: string } = {},
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/api-keys/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class TenantsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List tenants, by name unless told otherwise
   * Needs `tenants:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly state?: 'open' | 'closed';
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.TenantPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/tenants`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, state: options.state },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly state?: 'open' | 'closed';
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Tenant, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/tenants`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, state: options.state },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a tenant
   * For platform admins, as every route here. The invitation is shown this once. Needs `tenants:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateTenant,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.MadeTenant, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/tenants`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a tenant
   * Needs `tenants:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Tenant, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/tenants/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a tenant by name, or make it what is given
   * Can be repeated: equal content changes nothing. A change of an existing one needs If-Match. Invite its first admin through X-EFMS-Tenant. Needs `tenants:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutTenant,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.Tenant, 200> | Answer<t.Tenant, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/tenants/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change parts of a tenant
   * JSON merge patch (RFC 7396): null removes. Needs `tenants:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchTenant,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.Tenant, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/tenants/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Close a tenant
   * Logins, keys and streams of its proxies end; its Envoys keep what they have, and its data stays. Needs `tenants:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  close(
    id: string,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Tenant, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/tenants/${encodeURIComponent(id)}/close`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }

  /**
   * Open a closed tenant again
   * Needs `tenants:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  reopen(
    id: string,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Tenant, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/tenants/${encodeURIComponent(id)}/reopen`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }
}

class UsersOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List the users of the tenant, by e-mail unless told otherwise
   * Needs `users:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.email Only the user with this e-mail.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly role?: 'viewer' | 'operator' | 'admin';
      readonly email?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.UserPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/users`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        role: options.role,
        email: options.email,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly role?: 'viewer' | 'operator' | 'admin';
      readonly email?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.User, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/users`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        role: options.role,
        email: options.email,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Invite a user
   * The token of the invitation is shown this once. Needs `users:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  invite(
    body: t.InviteUser,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.InvitedUser, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/users`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a user
   * Needs `users:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.User, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/users/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Change role, permissions or names of a user
   * JSON merge patch (RFC 7396): null removes. Nobody gives more than they have. Needs `users:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchUser,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.User, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/users/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Invite a user again
   * For an invitation that ran out, or a lost password. The token is shown this once. Needs `users:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  reinvite(
    id: string,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.InvitedUser, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/users/${encodeURIComponent(id)}/invitations`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }

  /**
   * Deactivate a user
   * Sessions and API keys end; the keys for good. Needs `users:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  deactivate(
    id: string,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.User, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/users/${encodeURIComponent(id)}/deactivate`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }

  /**
   * Let a deactivated user back in
   * Needs `users:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  reactivate(
    id: string,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.User, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/users/${encodeURIComponent(id)}/reactivate`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }

  /**
   * Take out all that names the person
   * For good. Users are never deleted; the audit log keeps the names of its time. Needs `users:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  anonymise(
    id: string,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.User, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/users/${encodeURIComponent(id)}/anonymise`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }
}

class ProxiesOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List proxies, by name
   * Needs `proxies:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.name Only proxies whose name begins so.
   * @param options.labels Only proxies whose labels satisfy every term: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ProxyPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Proxy, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxies`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Register a proxy
   * Needs `proxies:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateProxy,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Proxy, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a proxy and its status
   * Needs `proxies:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Proxy, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Register a proxy by name, or make it what is given
   * Can be repeated: equal content changes nothing. A change of an existing proxy needs If-Match. Needs `proxies:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutProxy,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.Proxy, 200> | Answer<t.Proxy, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/proxies/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change parts of a proxy
   * JSON merge patch (RFC 7396): null removes. Needs `proxies:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchProxy,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.Proxy, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/proxies/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Delete a proxy with its credentials
   * Its streams end; its Envoy keeps what it has. Needs `proxies:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/proxies/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class ProxyCredentialsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List the credentials of a proxy, revoked ones too
   * Needs `credentials:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ProxyCredentialPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/credentials`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.ProxyCredential, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/credentials`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Issue a token, or register a client certificate
   * Token and complete bootstrap are shown this once. With `certificate` nothing is issued: the proxy proves itself with the key of that certificate. Several credentials are good beside each other, so the next certificate is registered before the last one ends. Needs `credentials:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  issue(
    id: string,
    body: t.CreateProxyCredential,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.NewProxyCredential, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/credentials`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a credential; never the token itself
   * Needs `credentials:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(
    id: string,
    credentialId: string,
    options: CallOptions & { readonly tenant?: string } = {},
  ): Promise<Answer<t.ProxyCredential, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/credentials/${encodeURIComponent(credentialId)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Revoke a credential
   * Streams that use it end. It stays listed. Needs `credentials:write`.
   * @param options.reason For the audit log.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  revoke(
    id: string,
    credentialId: string,
    options: CallOptions & {
      readonly reason?: string;
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/credentials/${encodeURIComponent(credentialId)}`,
      query: { reason: options.reason, dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Issue the successor of a credential
   * The old one goes on for the overlap and then ends, so that the Envoy can be restarted in between. Needs `credentials:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  rotate(
    id: string,
    credentialId: string,
    body: t.RotateProxyCredential,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.IssuedProxyCredential, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/credentials/${encodeURIComponent(credentialId)}/rotate`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Render the bootstrap
   * Put a token in the place of EFMS_TOKEN: Envoy expands no variables there. With `credential=certificate` there is no token, and Envoy reads certificate and key from files. Needs `proxies:read`.
   * @param options.adminPort Instead of the proxy's own.
   * @param options.credential What the proxy proves itself with; a certificate needs TLS on the xDS port.
   * @param options.certificateFile Where the proxy has its client certificate, with `credential=certificate`; /etc/envoy/efms/client.crt unless told.
   * @param options.keyFile Where it has the key of that; /etc/envoy/efms/client.key unless told.
   * @param options.mode `overlay` takes a bootstrap: POST it here.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  bootstrap(
    id: string,
    options: CallOptions & {
      readonly format?: 'yaml' | 'json';
      readonly protocol?: 'delta' | 'sotw';
      readonly adminPort?: number;
      readonly credential?: 'token' | 'certificate';
      readonly certificateFile?: string;
      readonly keyFile?: string;
      readonly mode?: 'full';
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<string | Readonly<Record<string, unknown>>, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/bootstrap`,
      query: {
        format: options.format,
        protocol: options.protocol,
        adminPort: options.adminPort,
        credential: options.credential,
        certificateFile: options.certificateFile,
        keyFile: options.keyFile,
        mode: options.mode,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class BootstrapOverlayOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Lay EFMS over a bootstrap
   * Answers the given bootstrap with the node, ADS from EFMS and the cluster that leads to it; its static resources and all else stay. Refused where names or addresses clash with what the proxy is assigned now, and where listeners or clusters come from elsewhere. Nothing is stored. Warnings stand as comments before YAML; `dryRun=true` answers them alone. Put a token in the place of EFMS_TOKEN. Needs `proxies:write`.
   * @param options.adminPort Instead of the proxy's own.
   * @param options.credential What the proxy proves itself with; a certificate needs TLS on the xDS port.
   * @param options.certificateFile Where the proxy has its client certificate, with `credential=certificate`; /etc/envoy/efms/client.crt unless told.
   * @param options.keyFile Where it has the key of that; /etc/envoy/efms/client.key unless told.
   * @param options.dryRun Answer the warnings alone, as JSON.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  overlay(
    id: string,
    body: Readonly<Record<string, unknown>>,
    options: CallOptions & {
      readonly format?: 'yaml' | 'json';
      readonly protocol?: 'delta' | 'sotw';
      readonly adminPort?: number;
      readonly credential?: 'token' | 'certificate';
      readonly certificateFile?: string;
      readonly keyFile?: string;
      readonly mode?: 'overlay';
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<string | Readonly<Record<string, unknown>> | t.OverlayReport, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/bootstrap`,
      query: {
        format: options.format,
        protocol: options.protocol,
        adminPort: options.adminPort,
        credential: options.credential,
        certificateFile: options.certificateFile,
        keyFile: options.keyFile,
        mode: options.mode,
        dryRun: options.dryRun,
      },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }
}

class ProxyLifecycleOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Say that a proxy runs, drains or is stopped
   * Any state may follow any other; the one that it has changes nothing. EFMS tells it to whoever reads the proxy or follows `proxy.lifecycle_changed`; it does not itself act on the Envoy. Needs `proxies:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  change(
    id: string,
    body: t.ChangeLifecycle,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Proxy, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/lifecycle`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * List who changed the lifecycle of a proxy, when and why, the newest first
   * That of a proxy that was deleted is found by its id; its name may be that of another. Needs `proxies:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort `at` or, the newest first and the default, `-at`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  events(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.LifecycleEventPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/lifecycle-events`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `events`, page after page. */
  eventsAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.LifecycleEvent, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/lifecycle-events`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class ProxyGroupsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List proxy groups, by name
   * Needs `proxy-groups:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.name Only groups whose name begins so.
   * @param options.labels Only groups whose own labels satisfy every term.
   * @param options.parent Only groups right under this one.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly labels?: string;
      readonly parent?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ProxyGroupPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxy-groups`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        labels: options.labels,
        parent: options.parent,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly labels?: string;
      readonly parent?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.ProxyGroup, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxy-groups`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        labels: options.labels,
        parent: options.parent,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a proxy group
   * Needs `proxy-groups:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateProxyGroup,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.ProxyGroup, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxy-groups`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a proxy group
   * Needs `proxy-groups:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.ProxyGroup, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a proxy group by name, or make it what is given
   * Can be repeated: equal content changes nothing. A change of an existing one needs If-Match. Needs `proxy-groups:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutProxyGroup,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ProxyGroup, 200> | Answer<t.ProxyGroup, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change parts of a proxy group
   * JSON merge patch (RFC 7396): null removes. Needs `proxy-groups:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchProxyGroup,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.ProxyGroup, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Delete a proxy group
   * Its proxies stay. Refused while groups are under it. Needs `proxy-groups:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class GroupMembersOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List the proxies of a group and of the groups under it
   * What a deployment to the group would target. Needs `proxy-groups:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.name Only proxies whose name begins so.
   * @param options.labels Only proxies whose labels satisfy every term: `k=v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  proxies(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ProxyPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/proxies`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `proxies`, page after page. */
  proxiesAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Proxy, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/proxies`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * List who belongs to the group itself, and why
   * Needs `proxy-groups:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.GroupMemberPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/members`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.GroupMember, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/members`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Put a proxy into the group
   * Again changes nothing. Needs `proxy-groups:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  add(
    id: string,
    proxyId: string,
    options: CallOptions & { readonly dryRun?: 'true' | 'false'; readonly tenant?: string } = {},
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/members/${encodeURIComponent(proxyId)}`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Take a proxy out that was put in
   * One that the selector matches too still belongs to the group. Needs `proxy-groups:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    proxyId: string,
    options: CallOptions & { readonly dryRun?: 'true' | 'false'; readonly tenant?: string } = {},
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/members/${encodeURIComponent(proxyId)}`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * List who joined and left the group, the newest first unless told otherwise
   * Needs `proxy-groups:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  events(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.MembershipEventPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/membership-events`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `events`, page after page. */
  eventsAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.MembershipEvent, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/membership-events`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class VmsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List virtual machines, by hostname
   * Needs `vms:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.hostname Only machines whose hostname begins so.
   * @param options.labels Only machines whose labels satisfy every term.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly hostname?: string;
      readonly region?: string;
      readonly status?: 'unknown' | 'healthy' | 'unhealthy' | 'offline';
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.VmPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/vms`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        hostname: options.hostname,
        region: options.region,
        status: options.status,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly hostname?: string;
      readonly region?: string;
      readonly status?: 'unknown' | 'healthy' | 'unhealthy' | 'offline';
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Vm, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/vms`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        hostname: options.hostname,
        region: options.region,
        status: options.status,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Add a virtual machine
   * Needs `vms:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateVm,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Vm, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/vms`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a virtual machine
   * Needs `vms:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Vm, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/vms/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Add a virtual machine by hostname, or make it what is given
   * Can be repeated: equal content changes nothing. A change of an existing one needs If-Match. Needs `vms:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutVm,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.Vm, 200> | Answer<t.Vm, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/vms/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change parts of a virtual machine
   * JSON merge patch (RFC 7396): null removes. Needs `vms:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchVm,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.Vm, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/vms/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Delete a virtual machine
   * Refused while containers or proxies are on it. Needs `vms:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/vms/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class ContainersOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List containers, by name
   * Needs `containers:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.name Only containers whose name begins so.
   * @param options.vm Only containers on this virtual machine.
   * @param options.labels Only containers whose labels satisfy every term.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly vm?: string;
      readonly status?: 'unknown' | 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removed';
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ContainerPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/containers`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        vm: options.vm,
        status: options.status,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly name?: string;
      readonly vm?: string;
      readonly status?: 'unknown' | 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removed';
      readonly labels?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Container, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/containers`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        sort: options.sort,
        name: options.name,
        vm: options.vm,
        status: options.status,
        labels: options.labels,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Add a container
   * Needs `containers:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateContainer,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Container, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/containers`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a container
   * Needs `containers:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Container, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/containers/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Add a container by name, or make it what is given
   * Can be repeated: equal content changes nothing. A change of an existing one needs If-Match. Needs `containers:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutContainer,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.Container, 200> | Answer<t.Container, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/containers/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change parts of a container
   * JSON merge patch (RFC 7396): null removes. Needs `containers:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchContainer,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.Container, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/containers/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Delete a container
   * Its history goes with it. Refused while a proxy names it. Needs `containers:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/containers/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class ContainerEventsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List what happened to a container, the newest report first
   * Needs `containers:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    id: string,
    options: CallOptions & { readonly limit?: number; readonly cursor?: string; readonly tenant?: string } = {},
  ): Promise<Answer<t.ContainerEventPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/containers/${encodeURIComponent(id)}/events`,
      query: { limit: options.limit, cursor: options.cursor },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    id: string,
    options: CallOptions & { readonly limit?: number; readonly cursor?: string; readonly tenant?: string } = {},
  ): AsyncGenerator<t.ContainerEvent, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/containers/${encodeURIComponent(id)}/events`,
      query: { limit: options.limit, cursor: options.cursor },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Report what happened to a container
   * Its status follows, unless something later is known already. Needs `containers:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  report(
    id: string,
    body: t.ReportContainerEvent,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.ContainerEvent, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/containers/${encodeURIComponent(id)}/events`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }
}

class EnrolmentTokensOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List enrolment tokens, by name
   * Needs `enrolment-tokens:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.EnrolmentTokenPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/enrolment-tokens`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.EnrolmentToken, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/enrolment-tokens`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make an enrolment token
   * The token is shown this once. Needs `enrolment-tokens:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateEnrolmentToken,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.IssuedEnrolmentToken, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/enrolment-tokens`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read an enrolment token; never the token itself
   * Needs `enrolment-tokens:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.EnrolmentToken, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/enrolment-tokens/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * End an enrolment token
   * Proxies that it enrolled stay. Needs `enrolment-tokens:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/enrolment-tokens/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class EnrolmentOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Exchange an enrolment token for a credential
   * The token goes into the body or into `Authorization: Bearer`. Credential and bootstrap are shown this once; a token works once per proxy. After many failures from one network, 429. Needs no credential.
   */
  enrol(body: t.Enrol, options: CallOptions = {}): Promise<Answer<t.Enrolled, 201>> {
    return this.transport.call({ method: 'POST', path: `/api/v1/enrol`, body, signal: options.signal });
  }
}

class BatchesOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Write many proxies at once, or none
   * Up to 1,000 items, each as if its own call came after those before it, by the same rules. If one is refused nothing is changed, and `errors` points at all that could be found. Needs `proxies:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  proxies(
    body: {
      readonly items: readonly (
        | {
            readonly action: 'create';
            readonly body: t.CreateProxy;
          }
        | {
            readonly action: 'put';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PutProxy;
          }
        | {
            readonly action: 'patch';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PatchProxy;
          }
        | {
            readonly action: 'delete';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
          }
      )[];
    },
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.BatchAnswer, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies:batch`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Write many proxy groups at once, or none
   * Up to 1,000 items, each as if its own call came after those before it, by the same rules. If one is refused nothing is changed, and `errors` points at all that could be found. Needs `proxy-groups:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  proxyGroups(
    body: {
      readonly items: readonly (
        | {
            readonly action: 'create';
            readonly body: t.CreateProxyGroup;
          }
        | {
            readonly action: 'put';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PutProxyGroup;
          }
        | {
            readonly action: 'patch';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PatchProxyGroup;
          }
        | {
            readonly action: 'delete';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
          }
      )[];
    },
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.BatchAnswer, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxy-groups:batch`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Write many virtual machines at once, or none
   * Up to 1,000 items, each as if its own call came after those before it, by the same rules. If one is refused nothing is changed, and `errors` points at all that could be found. Needs `vms:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  vms(
    body: {
      readonly items: readonly (
        | {
            readonly action: 'create';
            readonly body: t.CreateVm;
          }
        | {
            readonly action: 'put';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PutVm;
          }
        | {
            readonly action: 'patch';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PatchVm;
          }
        | {
            readonly action: 'delete';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
          }
      )[];
    },
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.BatchAnswer, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/vms:batch`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Write many containers at once, or none
   * Up to 1,000 items, each as if its own call came after those before it, by the same rules. If one is refused nothing is changed, and `errors` points at all that could be found. Needs `containers:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  containers(
    body: {
      readonly items: readonly (
        | {
            readonly action: 'create';
            readonly body: t.CreateContainer;
          }
        | {
            readonly action: 'put';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PutContainer;
          }
        | {
            readonly action: 'patch';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PatchContainer;
          }
        | {
            readonly action: 'delete';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
          }
      )[];
    },
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.BatchAnswer, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/containers:batch`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }
}

class EndpointOverridesOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List endpoint overrides, by name
   * Needs `endpoint-overrides:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.clusterName Only those of this endpoint set.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly clusterName?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.EndpointOverridePage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/endpoint-overrides`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, clusterName: options.clusterName },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly clusterName?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.EndpointOverride, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/endpoint-overrides`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, clusterName: options.clusterName },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Override an endpoint
   * Proxies of the tenant whose endpoint sets have it are given its health or weight at once, without a new version of a configuration. Needs `endpoint-overrides:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateEndpointOverride,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.EndpointOverride, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/endpoint-overrides`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read an endpoint override
   * Needs `endpoint-overrides:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.EndpointOverride, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/endpoint-overrides/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Override an endpoint by the name of the override, or make that what is given
   * Can be repeated: equal content changes nothing. A change of an existing one needs If-Match. Needs `endpoint-overrides:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutEndpointOverride,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.EndpointOverride, 200> | Answer<t.EndpointOverride, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/endpoint-overrides/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change parts of an endpoint override
   * JSON merge patch (RFC 7396): null removes. Needs `endpoint-overrides:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchEndpointOverride,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.EndpointOverride, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/endpoint-overrides/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * End an endpoint override
   * Proxies are given again what their snapshots say. Needs `endpoint-overrides:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/endpoint-overrides/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Write many endpoint overrides at once, or none
   * Up to 1,000 items, each as if its own call came after those before it, by the same rules. If one is refused nothing is changed, and `errors` points at all that could be found. Needs `endpoint-overrides:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  batch(
    body: {
      readonly items: readonly (
        | {
            readonly action: 'create';
            readonly body: t.CreateEndpointOverride;
          }
        | {
            readonly action: 'put';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PutEndpointOverride;
          }
        | {
            readonly action: 'patch';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
            readonly body: t.PatchEndpointOverride;
          }
        | {
            readonly action: 'delete';
            /** t.UUID or `name:<name>`, not percent-encoded. */
            readonly id: string;
            /** t.The t.ETag last read, or `*`, as in the header of that name. */
            readonly ifMatch?: string;
          }
      )[];
    },
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.BatchAnswer, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/endpoint-overrides:batch`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }
}

class ProxySyncOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Read how far a proxy is with its configuration, per type
   * Needs `proxies:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  read(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.ProxySync, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/sync`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class ProxyXdsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Explain what a proxy has, wants, refused and waits for
   * In sentences and as facts: its streams, what each type was sent and answered, and what is held back from it. Needs `proxies:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  read(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.ProxyXds, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/xds`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Offer a proxy again what is held back from it
   * Once the reason is gone for which it refused the snapshot that it is assigned, or went down on it. Needs `deployments:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  offerAgain(
    id: string,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.ProxyXds, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/offer-again`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }

  /**
   * Take over a proxy that claims resources EFMS never gave it
   * What it has is replaced by what it is assigned. Until somebody says so, such a proxy is frozen and keeps it. Needs `deployments:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  takeOver(
    id: string,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.ProxyXds, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/take-over`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }
}

class SecretVersionsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List the versions of a secret, newest first unless told otherwise
   * Needs `secrets:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.SecretVersionPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/secrets/${encodeURIComponent(id)}/versions`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.SecretVersion, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/secrets/${encodeURIComponent(id)}/versions`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Rotate a secret: its new content is given to proxies at once
   * No new configuration is needed. Content equal to the current one makes no version: 200 with that. Needs `secrets:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  rotate(
    id: string,
    body: t.SecretValues,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.SecretVersion, 200> | Answer<t.SecretVersion, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/secrets/${encodeURIComponent(id)}/versions`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read what is known about a version; never its content
   * Needs `secrets:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(
    id: string,
    number: number,
    options: CallOptions & { readonly tenant?: string } = {},
  ): Promise<Answer<t.SecretVersion, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/secrets/${encodeURIComponent(id)}/versions/${encodeURIComponent(number)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a version the current one, an older one too
   * Proxies are given it. Needs `secrets:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  activate(
    id: string,
    number: number,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.SecretVersion, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/secrets/${encodeURIComponent(id)}/versions/${encodeURIComponent(number)}/activate`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }
}

class SecretsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List secrets, by name
   * Needs `secrets:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly type?: 'tlsCertificate' | 'validationContext' | 'genericSecret' | 'sessionTicketKeys';
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.SecretPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/secrets`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, type: options.type },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly type?: 'tlsCertificate' | 'validationContext' | 'genericSecret' | 'sessionTicketKeys';
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Secret, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/secrets`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort, type: options.type },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Add a secret
   * Its content is sealed and never shown again. Needs `secrets:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateSecret,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.Secret, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/secrets`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read what is known about a secret; never its content
   * Needs `secrets:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Secret, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/secrets/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Add a secret by name, or make it what is given
   * Can be repeated: equal content changes nothing. Other content is a new version, which proxies are given at once; that needs If-Match. Needs `secrets:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.PutSecret,
    options: CallOptions & { readonly ifMatch?: string; readonly ifNoneMatch?: string; readonly tenant?: string } = {},
  ): Promise<Answer<t.Secret, 200> | Answer<t.Secret, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/secrets/${encodeURIComponent(id)}`,
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change what is said about a secret
   * JSON merge patch (RFC 7396): null removes. Name, type and content are not changed by it. Needs `secrets:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchSecret,
    options: CallOptions & { readonly ifMatch: string; readonly tenant?: string },
  ): Promise<Answer<t.Secret, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/secrets/${encodeURIComponent(id)}`,
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Delete a secret with all its versions
   * Refused while something uses it; the answer names what. Needs `secrets:write`.
   * @param options.ifMatch The ETag last read, or `*`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  remove(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/secrets/${encodeURIComponent(id)}`,
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Who uses a secret
   * Heads of branches, proxies that are assigned it, and those that would go back to it. Needs `secrets:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  uses(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.SecretUses, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/secrets/${encodeURIComponent(id)}/uses`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class TrafficOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Read what came of the requests of a proxy, step by step
   * As the proxy reports it itself (LRS). A step in which it reported nothing is left out. Needs `proxies:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.from From this time on; absent: an hour, or one step, before `to`.
   * @param options.to Before this time; absent: up to the last minute that is over.
   * @param options.step Whole minutes, or whole hours, which go back further. A window has 1,500 steps at most.
   * @param options.by Tells traffic apart; absent: all of it together.
   * @param options.cluster Of this cluster only.
   * @param options.snapshot Only while proxies had this snapshot in full: the `snapshotHash` of a version.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  ofProxy(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly from?: string;
      readonly to?: string;
      readonly step?: string;
      readonly by?: 'cluster' | 'locality' | 'snapshot';
      readonly cluster?: string;
      readonly snapshot?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.TrafficPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/stats`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        from: options.from,
        to: options.to,
        step: options.step,
        by: options.by,
        cluster: options.cluster,
        snapshot: options.snapshot,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `ofProxy`, page after page. */
  ofProxyAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly from?: string;
      readonly to?: string;
      readonly step?: string;
      readonly by?: 'cluster' | 'locality' | 'snapshot';
      readonly cluster?: string;
      readonly snapshot?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.TrafficPoint, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxies/${encodeURIComponent(id)}/stats`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        from: options.from,
        to: options.to,
        step: options.step,
        by: options.by,
        cluster: options.cluster,
        snapshot: options.snapshot,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Read what came of the requests of a group’s proxies, step by step
   * Of those that belong to it or to the groups under it now. With `by=snapshot` versions stand beside each other. Needs `proxy-groups:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.from From this time on; absent: an hour, or one step, before `to`.
   * @param options.to Before this time; absent: up to the last minute that is over.
   * @param options.step Whole minutes, or whole hours, which go back further. A window has 1,500 steps at most.
   * @param options.by Tells traffic apart; absent: all of it together.
   * @param options.cluster Of this cluster only.
   * @param options.snapshot Only while proxies had this snapshot in full: the `snapshotHash` of a version.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  ofGroup(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly from?: string;
      readonly to?: string;
      readonly step?: string;
      readonly by?: 'cluster' | 'locality' | 'snapshot';
      readonly cluster?: string;
      readonly snapshot?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.TrafficPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/stats`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        from: options.from,
        to: options.to,
        step: options.step,
        by: options.by,
        cluster: options.cluster,
        snapshot: options.snapshot,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `ofGroup`, page after page. */
  ofGroupAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly from?: string;
      readonly to?: string;
      readonly step?: string;
      readonly by?: 'cluster' | 'locality' | 'snapshot';
      readonly cluster?: string;
      readonly snapshot?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.TrafficPoint, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/proxy-groups/${encodeURIComponent(id)}/stats`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        from: options.from,
        to: options.to,
        step: options.step,
        by: options.by,
        cluster: options.cluster,
        snapshot: options.snapshot,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class ConfigurationsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List configurations, by name unless told otherwise
   * Needs `configurations:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.ConfigurationPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/configurations`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Configuration, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/configurations`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a configuration with an empty branch `main`
   * Needs `configurations:write`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  create(
    body: t.CreateConfiguration,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Configuration, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/configurations`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a configuration and the heads of its branches
   * Needs `configurations:read`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(id: string, options: CallOptions & { readonly tenant?: string } = {}): Promise<Answer<t.Configuration, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}`,
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Make a configuration by name, or change its description and tags
   * Needs `configurations:write`.
   * @param options.ifMatch Demanded where something would change.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.ifNoneMatch `*`: only make it; 412 where it is there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  put(
    id: string,
    body: t.ConfigurationContent,
    options: CallOptions & {
      readonly ifMatch?: string;
      readonly dryRun?: 'true' | 'false';
      readonly ifNoneMatch?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.Configuration, 200> | Answer<t.Configuration, 201>> {
    return this.transport.call({
      method: 'PUT',
      path: `/api/v1/configurations/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'if-none-match': options.ifNoneMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Change description or tags of a configuration
   * JSON merge patch (RFC 7396): null removes. Needs `configurations:write`.
   * @param options.ifMatch The ETag that was last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  patch(
    id: string,
    body: t.PatchConfiguration,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<t.Configuration, 200>> {
    return this.transport.call({
      method: 'PATCH',
      path: `/api/v1/configurations/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      body,
      signal: options.signal,
    });
  }

  /**
   * Delete a configuration with all its versions
   * Needs `configurations:write`.
   * @param options.ifMatch The ETag that was last read, or `*`.
   * @param options.dryRun Do everything and take it back: the answer is the one that it would have been, with `X-EFMS-Dry-Run: true`, without `Location` and `ETag`. Ids and times in it are nobody’s.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  delete(
    id: string,
    options: CallOptions & { readonly ifMatch: string; readonly dryRun?: 'true' | 'false'; readonly tenant?: string },
  ): Promise<Answer<undefined, 204>> {
    return this.transport.call({
      method: 'DELETE',
      path: `/api/v1/configurations/${encodeURIComponent(id)}`,
      query: { dryRun: options.dryRun },
      headers: { 'if-match': options.ifMatch, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class VersionTrafficOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Read what came of requests while proxies had a version, step by step
   * Of all proxies, each while it had the version in full; versions of equal content are one. Needs `configurations:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.from From this time on; absent: an hour, or one step, before `to`.
   * @param options.to Before this time; absent: up to the last minute that is over.
   * @param options.step Whole minutes, or whole hours, which go back further. A window has 1,500 steps at most.
   * @param options.by Tells traffic apart; absent: all of it together.
   * @param options.cluster Of this cluster only.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  read(
    id: string,
    number: number,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly from?: string;
      readonly to?: string;
      readonly step?: string;
      readonly by?: 'cluster' | 'locality' | 'snapshot';
      readonly cluster?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.TrafficPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions/${encodeURIComponent(number)}/stats`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        from: options.from,
        to: options.to,
        step: options.step,
        by: options.by,
        cluster: options.cluster,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `read`, page after page. */
  readAll(
    id: string,
    number: number,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly from?: string;
      readonly to?: string;
      readonly step?: string;
      readonly by?: 'cluster' | 'locality' | 'snapshot';
      readonly cluster?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.TrafficPoint, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions/${encodeURIComponent(number)}/stats`,
      query: {
        limit: options.limit,
        cursor: options.cursor,
        from: options.from,
        to: options.to,
        step: options.step,
        by: options.by,
        cluster: options.cluster,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class VersionsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List versions, newest first unless told otherwise
   * Needs `configurations:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.VersionPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    id: string,
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Version, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Commit a complete snapshot as the next version
   * Content that equals that of the head makes no version: the answer is then 200 with the head. With `dryRun=true` the answer is 200 with a report, and nothing is stored. Needs `configurations:write`.
   * @param options.dryRun Say what the commit would do, and store nothing.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  commit(
    id: string,
    body: t.CommitVersion,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.Version | t.CommitReport, 200> | Answer<t.Version, 201>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read a version, with its content if asked for
   * Needs `configurations:read`.
   * @param options.include Add the content in canonical form.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(
    id: string,
    number: number,
    options: CallOptions & { readonly include?: 'snapshot'; readonly tenant?: string } = {},
  ): Promise<Answer<t.Version, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions/${encodeURIComponent(number)}`,
      query: { include: options.include },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * What a version changed, by resource and JSON pointer
   * Needs `configurations:read`.
   * @param options.against The version to compare with; the one it was committed on unless given.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  diff(
    id: string,
    number: number,
    options: CallOptions & { readonly against?: number; readonly tenant?: string } = {},
  ): Promise<Answer<t.VersionDiff, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/configurations/${encodeURIComponent(id)}/versions/${encodeURIComponent(number)}/diff`,
      query: { against: options.against },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class DeploymentsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * List deployments, newest first
   * Needs `deployments:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.sort Keys in order of weight, behind a minus those that fall, for instance `-createdAt,name`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  list(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.DeploymentPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/deployments`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `list`, page after page. */
  listAll(
    options: CallOptions & {
      readonly limit?: number;
      readonly cursor?: string;
      readonly sort?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.Deployment, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/deployments`,
      query: { limit: options.limit, cursor: options.cursor, sort: options.sort },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Move proxies to a version
   * Follow the deployment at `Location`. With `dryRun=true` the answer is 200 with the plan, and nothing is started. Needs `deployments:write`.
   * @param options.dryRun Answer the plan, and start nothing.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  start(
    body: t.StartDeployment,
    options: CallOptions & {
      readonly dryRun?: 'true' | 'false';
      readonly tenant?: string;
      readonly idempotencyKey?: string;
    } = {},
  ): Promise<Answer<t.DeploymentPlan, 200> | Answer<t.DeploymentDetails, 202>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/deployments`,
      query: { dryRun: options.dryRun },
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      body,
      signal: options.signal,
    });
  }

  /**
   * Read progress, targets and timeline
   * `limit` and `cursor` page through the targets. Needs `deployments:read`.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  get(
    id: string,
    options: CallOptions & { readonly limit?: number; readonly cursor?: string; readonly tenant?: string } = {},
  ): Promise<Answer<t.DeploymentDetails, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/deployments/${encodeURIComponent(id)}`,
      query: { limit: options.limit, cursor: options.cursor },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Stop a deployment; proxies keep what they were assigned
   * Needs `deployments:write`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   * @param options.idempotencyKey A repeat with the same key, for a day, is answered as the first time and does nothing; where that answer held a secret, 409 says so.
   */
  abort(
    id: string,
    options: CallOptions & { readonly tenant?: string; readonly idempotencyKey?: string } = {},
  ): Promise<Answer<t.DeploymentDetails, 200>> {
    return this.transport.call({
      method: 'POST',
      path: `/api/v1/deployments/${encodeURIComponent(id)}/abort`,
      headers: { 'x-efms-tenant': options.tenant, 'idempotency-key': options.idempotencyKey },
      signal: options.signal,
    });
  }
}

class AuditLogsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Search the audit log, newest first
   * Every write, login and refused access of the tenant. Without `from` the last 30 days are searched. Needs `audit:read`.
   * @param options.scope `platform`: what belongs to no tenant, such as credentials that nobody knows; for platform admins.
   * @param options.actor Who: the id of an actor, or its name.
   * @param options.action What was done.
   * @param options.resourceType To what kind of thing.
   * @param options.resourceId To which thing.
   * @param options.resourceName The name that the thing had then.
   * @param options.outcome `denied` finds what was refused.
   * @param options.requestId The request that did it, as its answer named it in `x-request-id`.
   * @param options.from From this time on; absent: 30 days before `to`.
   * @param options.to Before this time; absent: now.
   * @param options.limit Most items on a page.
   * @param options.cursor Where the previous page ended: its `nextCursor`.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  search(
    options: CallOptions & {
      readonly scope?: 'tenant' | 'platform';
      readonly actor?: string;
      readonly action?: string;
      readonly resourceType?: string;
      readonly resourceId?: string;
      readonly resourceName?: string;
      readonly outcome?: 'success' | 'denied' | 'failure';
      readonly requestId?: string;
      readonly from?: string;
      readonly to?: string;
      readonly limit?: number;
      readonly cursor?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.AuditPage, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/audit-logs`,
      query: {
        scope: options.scope,
        actor: options.actor,
        action: options.action,
        resourceType: options.resourceType,
        resourceId: options.resourceId,
        resourceName: options.resourceName,
        outcome: options.outcome,
        requestId: options.requestId,
        from: options.from,
        to: options.to,
        limit: options.limit,
        cursor: options.cursor,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /** Every item of `search`, page after page. */
  searchAll(
    options: CallOptions & {
      readonly scope?: 'tenant' | 'platform';
      readonly actor?: string;
      readonly action?: string;
      readonly resourceType?: string;
      readonly resourceId?: string;
      readonly resourceName?: string;
      readonly outcome?: 'success' | 'denied' | 'failure';
      readonly requestId?: string;
      readonly from?: string;
      readonly to?: string;
      readonly limit?: number;
      readonly cursor?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.AuditEntry, void, undefined> {
    return this.transport.items({
      method: 'GET',
      path: `/api/v1/audit-logs`,
      query: {
        scope: options.scope,
        actor: options.actor,
        action: options.action,
        resourceType: options.resourceType,
        resourceId: options.resourceId,
        resourceName: options.resourceName,
        outcome: options.outcome,
        requestId: options.requestId,
        from: options.from,
        to: options.to,
        limit: options.limit,
        cursor: options.cursor,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Export the audit log, oldest first
   * One JSON object per line, each as in the list. An export that fails on its way breaks off without the end of a response. Needs `audit:read`.
   * @param options.scope `platform`: what belongs to no tenant, such as credentials that nobody knows; for platform admins.
   * @param options.actor Who: the id of an actor, or its name.
   * @param options.action What was done.
   * @param options.resourceType To what kind of thing.
   * @param options.resourceId To which thing.
   * @param options.resourceName The name that the thing had then.
   * @param options.outcome `denied` finds what was refused.
   * @param options.requestId The request that did it, as its answer named it in `x-request-id`.
   * @param options.from From this time on; absent: 30 days before `to`.
   * @param options.to Before this time; absent: now.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  export(
    options: CallOptions & {
      readonly scope?: 'tenant' | 'platform';
      readonly actor?: string;
      readonly action?: string;
      readonly resourceType?: string;
      readonly resourceId?: string;
      readonly resourceName?: string;
      readonly outcome?: 'success' | 'denied' | 'failure';
      readonly requestId?: string;
      readonly from?: string;
      readonly to?: string;
      readonly tenant?: string;
    } = {},
  ): AsyncGenerator<t.AuditEntry, void, undefined> {
    return this.transport.values({
      method: 'GET',
      path: `/api/v1/audit-logs/export`,
      query: {
        scope: options.scope,
        actor: options.actor,
        action: options.action,
        resourceType: options.resourceType,
        resourceId: options.resourceId,
        resourceName: options.resourceName,
        outcome: options.outcome,
        requestId: options.requestId,
        from: options.from,
        to: options.to,
      },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Verify the audit log against its chain of hashes
   * Each entry is chained within seconds to the one before it. The answer names the first entry that was changed, removed or slipped in. Needs `audit:read`.
   * @param options.scope `platform`: what belongs to no tenant, such as credentials that nobody knows; for platform admins.
   * @param options.from Rows from this time on; absent: 30 days before `to`.
   * @param options.to Rows before this time; absent: now.
   * @param options.anchor Number and hash of a link that was written down elsewhere, for instance a `head` of an earlier answer: `<number>:<hash>`. It must still be there.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  verify(
    options: CallOptions & {
      readonly scope?: 'tenant' | 'platform';
      readonly from?: string;
      readonly to?: string;
      readonly anchor?: string;
      readonly tenant?: string;
    } = {},
  ): Promise<Answer<t.AuditChain, 200>> {
    return this.transport.call({
      method: 'GET',
      path: `/api/v1/audit-logs/chain`,
      query: { scope: options.scope, from: options.from, to: options.to, anchor: options.anchor },
      headers: { 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class EventsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Follow what happens
   * Server-sent events of the tenant from now on. Each needs the permission to read what it is about; others are left out.
   *
   * **Over WebSocket** the same events come from `/api/v1/events/ws`, each as a text message `{"id": "…", "event": "deployment.started", "data": {…}}`,
   * between `open`, `heartbeat` (with an id to go on from), `reset` and `end`. `types`, and `deployment` for one of them from its beginning, stand in the
   * address. Who can set headers sends `Authorization`, `X-EFMS-Tenant` and `Last-Event-ID`; browsers cannot, and send one first message within ten seconds:
   * `{"token": "…", "types": ["deployment.*"], "deployment": "…", "lastEventId": "…", "tenant": "…"}`, of which only `token` must be there. A credential in the address
   * is refused, because addresses are logged. Nothing else is expected of the client; a message has at most 16 KiB.
   *
   * Close codes: 1001 the server stops, 1009 the message is too long, 1013 the client reads too slowly or too many wait, 4401 the credential has ended. A refusal is 4000 and
   * the status of the same refusal over HTTP: 4400, 4401, 4403, 4404, 4408, 4422, 4429, 4503. Pings that are not answered end the connection. Any credential will do.
   * @param options.types Only these types, separated by commas; `*` at the end stands for any rest. There are `proxy.lifecycle_changed`, `proxy.quarantined`, `proxy.offered_again`, `proxy.two_processes`, `proxy.one_process`, `secret.created`, `secret.rotated`, `secret.deleted`, `endpoint_override.created`, `endpoint_override.changed`, `endpoint_override.deleted`, `endpoint_override.expired`, `configuration.version.committed`, `deployment.started`, `deployment.target.failed`, `deployment.succeeded`, `deployment.halted`, `deployment.aborted`.
   * @param options.lastEventId The last id that was read: goes on behind it.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  follow(
    options: CallOptions & { readonly types?: string; readonly lastEventId?: string; readonly tenant?: string } = {},
  ): AsyncGenerator<StreamMessage<t.Event>, void, undefined> {
    return this.transport.events({
      method: 'GET',
      path: `/api/v1/events`,
      query: { types: options.types },
      headers: { 'last-event-id': options.lastEventId, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }

  /**
   * Follow a deployment
   * Server-sent events of one deployment, from the oldest that is kept (a day) on. Needs `deployments:read`.
   * @param options.lastEventId The last id that was read: goes on behind it.
   * @param options.tenant Id or name of the tenant to act in; for platform admins, and audited there.
   */
  followDeployment(
    id: string,
    options: CallOptions & { readonly lastEventId?: string; readonly tenant?: string } = {},
  ): AsyncGenerator<StreamMessage<t.Event>, void, undefined> {
    return this.transport.events({
      method: 'GET',
      path: `/api/v1/deployments/${encodeURIComponent(id)}/events`,
      headers: { 'last-event-id': options.lastEventId, 'x-efms-tenant': options.tenant },
      signal: options.signal,
    });
  }
}

class HealthOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * The process runs; restart it where this fails
   * Needs no credential.
   */
  live(options: CallOptions = {}): Promise<Answer<t.Alive, 200>> {
    return this.transport.call({ method: 'GET', path: `/health/live`, signal: options.signal });
  }

  /**
   * The process can serve requests; send it none where this fails
   * Needs no credential.
   */
  ready(options: CallOptions = {}): Promise<Answer<t.Ready, 200>> {
    return this.transport.call({ method: 'GET', path: `/health/ready`, signal: options.signal });
  }

  /**
   * The start is over: migrations have run and both ports listen
   * Needs no credential.
   */
  startup(options: CallOptions = {}): Promise<Answer<t.Alive, 200>> {
    return this.transport.call({ method: 'GET', path: `/health/startup`, signal: options.signal });
  }
}

class MetricsOperations {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Metrics for Prometheus
   * Needs no credential.
   */
  metrics(options: CallOptions = {}): Promise<Answer<string, 200>> {
    return this.transport.call({ method: 'GET', path: `/metrics`, signal: options.signal });
  }
}

/** EFMS: Envoy fleet management: proxies, versioned configurations and their deployments. */
export class EfmsClient {
  readonly auth: AuthOperations;
  readonly me: MeOperations;
  readonly apiKeys: ApiKeysOperations;
  readonly tenants: TenantsOperations;
  readonly users: UsersOperations;
  readonly proxies: ProxiesOperations;
  readonly proxyCredentials: ProxyCredentialsOperations;
  readonly bootstrapOverlay: BootstrapOverlayOperations;
  readonly proxyLifecycle: ProxyLifecycleOperations;
  readonly proxyGroups: ProxyGroupsOperations;
  readonly groupMembers: GroupMembersOperations;
  readonly vms: VmsOperations;
  readonly containers: ContainersOperations;
  readonly containerEvents: ContainerEventsOperations;
  readonly enrolmentTokens: EnrolmentTokensOperations;
  readonly enrolment: EnrolmentOperations;
  readonly batches: BatchesOperations;
  readonly endpointOverrides: EndpointOverridesOperations;
  readonly proxySync: ProxySyncOperations;
  readonly proxyXds: ProxyXdsOperations;
  readonly secretVersions: SecretVersionsOperations;
  readonly secrets: SecretsOperations;
  readonly traffic: TrafficOperations;
  readonly configurations: ConfigurationsOperations;
  readonly versionTraffic: VersionTrafficOperations;
  readonly versions: VersionsOperations;
  readonly deployments: DeploymentsOperations;
  readonly auditLogs: AuditLogsOperations;
  readonly events: EventsOperations;
  readonly health: HealthOperations;
  readonly metrics: MetricsOperations;

  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.auth = new AuthOperations(transport);
    this.me = new MeOperations(transport);
    this.apiKeys = new ApiKeysOperations(transport);
    this.tenants = new TenantsOperations(transport);
    this.users = new UsersOperations(transport);
    this.proxies = new ProxiesOperations(transport);
    this.proxyCredentials = new ProxyCredentialsOperations(transport);
    this.bootstrapOverlay = new BootstrapOverlayOperations(transport);
    this.proxyLifecycle = new ProxyLifecycleOperations(transport);
    this.proxyGroups = new ProxyGroupsOperations(transport);
    this.groupMembers = new GroupMembersOperations(transport);
    this.vms = new VmsOperations(transport);
    this.containers = new ContainersOperations(transport);
    this.containerEvents = new ContainerEventsOperations(transport);
    this.enrolmentTokens = new EnrolmentTokensOperations(transport);
    this.enrolment = new EnrolmentOperations(transport);
    this.batches = new BatchesOperations(transport);
    this.endpointOverrides = new EndpointOverridesOperations(transport);
    this.proxySync = new ProxySyncOperations(transport);
    this.proxyXds = new ProxyXdsOperations(transport);
    this.secretVersions = new SecretVersionsOperations(transport);
    this.secrets = new SecretsOperations(transport);
    this.traffic = new TrafficOperations(transport);
    this.configurations = new ConfigurationsOperations(transport);
    this.versionTraffic = new VersionTrafficOperations(transport);
    this.versions = new VersionsOperations(transport);
    this.deployments = new DeploymentsOperations(transport);
    this.auditLogs = new AuditLogsOperations(transport);
    this.events = new EventsOperations(transport);
    this.health = new HealthOperations(transport);
    this.metrics = new MetricsOperations(transport);
  }
}
