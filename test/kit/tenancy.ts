import type { ApiCall } from './accounts.js';
import type { ApiAnswer, Efms } from './efms.js';
import { expectStatus } from './fleet-of-one.js';

const PASSWORD = 'battery-staple-of-people';

/** Calls the API with a credential. */
export function callAs(efms: Efms, credential: string): ApiCall {
  const authorization = `Bearer ${credential}`;
  const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer> =>
    efms.api(method, path, body, { ...headers, authorization });
  return Object.assign(call, { authorization });
}

/** Invites somebody, takes the invitation and logs in, as people do. */
export async function joinTenant(
  efms: Efms,
  admin: ApiCall,
  user: { readonly email: string; readonly role: string; readonly permissions?: Readonly<Record<string, boolean>> },
): Promise<{ readonly id: string; readonly call: ApiCall }> {
  const invited = await expectStatus(201, admin('POST', '/users', user));
  return { id: invited.body.id, call: await accept(efms, user.email, invited.body.invitation.token) };
}

/** Makes a tenant as the platform admin, and answers its id and its first admin. */
export async function openTenant(efms: Efms, name: string): Promise<{ readonly id: string; readonly admin: ApiCall }> {
  const email = `admin@${name}.example`;
  const made = await expectStatus(201, efms.api('POST', '/tenants', { name, admin: { email } }));
  return { id: made.body.id, admin: await accept(efms, email, made.body.invitation.token) };
}

async function accept(efms: Efms, email: string, token: string): Promise<ApiCall> {
  await expectStatus(204, efms.api('POST', '/auth/accept-invitation', { token, password: PASSWORD }));
  const session = await expectStatus(200, efms.api('POST', '/auth/login', { email, password: PASSWORD }));
  return callAs(efms, session.body.accessToken);
}
