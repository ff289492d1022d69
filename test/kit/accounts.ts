import { newId } from '../../src/common/context/ids.js';
import { lookupHash } from '../../src/tenancy/credential-index.js';
import { hashPassword } from '../../src/tenancy/services/passwords.js';
import type { ApiAnswer, Efms } from './efms.js';
import { expectStatus } from './fleet-of-one.js';

const PASSWORD = 'battery-staple-of-tests';

/** Calls the API as one user. */
export interface ApiCall {
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** What it sends as `Authorization`. */
  readonly authorization: string;
}

/** Makes a tenant and answers its id. */
export async function makeTenant(efms: Efms, name: string): Promise<string> {
  const id = newId();
  await efms.database.sql('insert into tenants (id, name) values ($1, $2)', [id, name]);
  return id;
}

/** Makes a user, logs in, and answers how to call the API as that user. */
export async function makeUser(
  efms: Efms,
  user: { readonly tenantId: string; readonly email: string; readonly role: 'viewer' | 'operator' | 'admin' },
): Promise<ApiCall> {
  const { tenantId, email, role } = user;
  const id = newId();
  await efms.database.sql(
    'insert into users (tenant_id, id, email, username, password_hash, role) values ($1, $2, $3, $3, $4, $5)',
    [tenantId, id, email, await hashPassword(PASSWORD), role],
  );
  await efms.database.sql(
    `insert into credential_index (kind, lookup_hash, tenant_id, subject_id) values ('email', $1, $2, $3)`,
    [lookupHash(email), tenantId, id],
  );
  const login = await expectStatus(200, efms.api('POST', '/auth/login', { email, password: PASSWORD }));
  const authorization = `Bearer ${login.body.accessToken}`;
  const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer> =>
    efms.api(method, path, body, { authorization, ...headers });
  return Object.assign(call, { authorization });
}
