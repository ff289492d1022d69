import type { ApiAnswer, Efms } from './efms.js';
import { type ApiOperation, apiOperations } from './api-operations.js';
import { eventually } from './eventually.js';

/** What the first start is given, which the examples of logins stand for. */
export const WALKER = { EFMS_ADMIN_EMAIL: 'admin@efms.local', EFMS_ADMIN_PASSWORD: 'correct-horse-battery' } as const;

/** What people get from an answer before, in the place of what stands in an example. */
interface Known {
  readonly ids: Record<string, string>;
  readonly body: Record<string, unknown>;
}

/** One call of the walk: the example of an operation, with what only this server can know put into its place. */
export interface Step {
  readonly operation: string;
  /** Parameters of the path that are ids; the others are as in the example. */
  readonly ids?: readonly string[];
  /** Fields of the body that the server gave out: passwords and tokens. */
  readonly given?: readonly string[];
  /** Called again until this is true of the answer: something that takes its time is waited for. */
  readonly until?: (answer: ApiAnswer) => boolean;
  /** Keeps an id or a token of the answer. */
  readonly keep?: (answer: ApiAnswer) => Partial<Known>;
}

const step = (operation: string, more: Omit<Step, 'operation'> = {}): Step => ({ operation, ...more });
const read = (...operations: readonly string[]): readonly Step[] => operations.map((operation) => step(operation));

/** Everything that the API can do, in an order in which a person who pastes the examples gets through. */
export const WALK: readonly Step[] = [
  step('Auth_login', { given: ['password'], keep: ({ body }) => ({ body: { refreshToken: body.refreshToken } }) }),
  step('Auth_refresh', {
    given: ['refreshToken'],
    keep: ({ body }) => ({ body: { refreshToken: body.refreshToken } }),
  }),
  step('Auth_logout', { given: ['refreshToken'] }),
  ...read('Me_me', 'Health_live', 'Health_ready', 'Health_startup', 'Metrics_metrics'),
  step('ApiKeys_create', { keep: ({ body }) => ({ ids: { id: body.id } }) }),
  step('ApiKeys_get', { ids: ['id'] }),
  step('ApiKeys_list'),
  step('ApiKeys_revoke', { ids: ['id'] }),
  step('Tenants_create'),
  ...read('Tenants_list', 'Tenants_get', 'Tenants_put', 'Tenants_patch', 'Tenants_close', 'Tenants_reopen'),
  step('Users_invite', { keep: ({ body }) => ({ ids: { id: body.id }, body: { token: body.invitation.token } }) }),
  step('Auth_acceptInvitation', { given: ['token'] }),
  step('Users_list'),
  ...['Users_get', 'Users_patch', 'Users_deactivate', 'Users_reactivate', 'Users_reinvite', 'Users_anonymise'].map(
    (operation) => step(operation, { ids: ['id'] }),
  ),
  ...read('Vms_create', 'Vms_put', 'Vms_list', 'Vms_get', 'Vms_patch'),
  ...read('Containers_create', 'Containers_put', 'Containers_list', 'Containers_get', 'Containers_patch'),
  ...read('ContainerEvents_report', 'ContainerEvents_list'),
  ...read(
    'ProxyGroups_create',
    'ProxyGroups_put',
    'ProxyGroups_list',
    'ProxyGroups_get',
    'ProxyGroups_patch',
    'Traffic_ofGroup',
  ),
  ...read(
    'Proxies_create',
    'Proxies_put',
    'Proxies_list',
    'Proxies_get',
    'Proxies_patch',
    'ProxySync_read',
    'Traffic_ofProxy',
  ),
  ...read('ProxyLifecycle_change', 'ProxyLifecycle_events'),
  ...read(
    'GroupMembers_add',
    'GroupMembers_list',
    'GroupMembers_proxies',
    'GroupMembers_events',
    'GroupMembers_remove',
  ),
  step('ProxyCredentials_issue', { keep: ({ body }) => ({ ids: { credentialId: body.id } }) }),
  step('ProxyCredentials_list'),
  step('ProxyCredentials_get', { ids: ['credentialId'] }),
  step('ProxyCredentials_rotate', { ids: ['credentialId'] }),
  step('ProxyCredentials_revoke', { ids: ['credentialId'] }),
  step('ProxyCredentials_bootstrap'),
  step('BootstrapOverlay_overlay'),
  ...read('Secrets_create', 'Secrets_put', 'Secrets_list', 'Secrets_get', 'Secrets_patch', 'Secrets_uses'),
  ...read('SecretVersions_rotate', 'SecretVersions_list', 'SecretVersions_get', 'SecretVersions_activate'),
  step('Secrets_remove'),
  ...read('EndpointOverrides_create', 'EndpointOverrides_put', 'EndpointOverrides_list', 'EndpointOverrides_get'),
  ...read('EndpointOverrides_patch', 'EndpointOverrides_remove', 'EndpointOverrides_batch'),
  ...read(
    'Configurations_create',
    'Configurations_put',
    'Configurations_list',
    'Configurations_get',
    'Configurations_patch',
  ),
  ...read('Versions_commit', 'Versions_list', 'Versions_get', 'Versions_diff', 'VersionTraffic_read'),
  step('Deployments_start', { keep: ({ body }) => ({ ids: { id: body.id } }) }),
  step('Deployments_list'),
  step('Deployments_get', { ids: ['id'], until: ({ body }) => body.targets.items[0].status === 'assigned' }),
  ...read('ProxyXds_read', 'ProxyXds_offerAgain', 'ProxyXds_takeOver'),
  step('Events_followDeployment', { ids: ['id'] }),
  step('Deployments_abort', { ids: ['id'] }),
  step('EnrolmentTokens_create', { keep: ({ body }) => ({ body: { token: body.token } }) }),
  ...read('EnrolmentTokens_list', 'EnrolmentTokens_get'),
  step('Enrolment_enrol', { given: ['token'] }),
  step('EnrolmentTokens_remove'),
  ...read('Events_follow', 'AuditLogs_search', 'AuditLogs_export', 'AuditLogs_verify'),
  ...read('Proxies_remove', 'ProxyGroups_remove', 'Containers_remove', 'Vms_remove', 'Configurations_delete'),
  ...read('Batches_vms', 'Batches_containers', 'Batches_proxyGroups', 'Batches_proxies'),
  step('Me_changePassword', { given: ['currentPassword'] }),
];

/** An operation as the document describes it. */
export interface Documented extends ApiOperation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly described: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema?: any;
}

interface Media {
  readonly schema?: any;
  readonly example?: any;
}

/** One request, ready to be sent. */
export interface Call {
  readonly method: string;
  /** Below the server's address, without a query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: any;
}

/** Every operation with what the document says of it. */
export async function documentedOperations(efms: Pick<Efms, 'http'>): Promise<Documented[]> {
  const document: any = await (await fetch(`${efms.http}/openapi.json`)).json();
  return (await apiOperations(efms)).map((route) => {
    const { parameters, ...operation } = document.paths[route.path][route.method.toLowerCase()];
    return { ...inlined(operation, document), ...route, described: parameters };
  });
}

/** Without references, which no schema of a body goes around in circles with. */
function inlined(part: any, document: any): any {
  if (Array.isArray(part)) return part.map((item) => inlined(item, document));
  if (typeof part !== 'object' || part === null) return part;
  if (typeof part.$ref === 'string') return inlined(document.components.schemas[part.$ref.split('/').at(-1)], document);
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, inlined(value, document)]));
}

/** Pastes the examples of the document one after the other. */
export class ExampleWalk {
  private readonly known: Known = {
    ids: {},
    body: { password: WALKER.EFMS_ADMIN_PASSWORD, currentPassword: WALKER.EFMS_ADMIN_PASSWORD },
  };

  constructor(
    private readonly efms: Efms,
    private readonly operations: readonly Documented[],
  ) {}

  /** The operation of a step and its example, with what the server gave out before. */
  next({ operation, ids = [], given = [] }: Step): { readonly operation: Documented; readonly call: Call } {
    const found = this.operations.find(({ operationId }) => operationId === operation);
    if (!found) throw new Error(`the document has no ${operation}`);
    const known = {
      ids: Object.fromEntries(ids.map((name) => [name, this.known.ids[name]!])),
      body: Object.fromEntries(given.map((name) => [name, this.known.body[name]])),
    };
    return { operation: found, call: callOf(found, known, this.efms.adminToken) };
  }

  /** Sends the example of a step, or a form of it, and keeps what later steps need of the answer. */
  async take(step: Step, call?: Call): Promise<ApiAnswer> {
    const { until, keep } = step;
    const { operation, call: example } = this.next(step);
    const answer = await eventually(operation.operationId, async () => {
      const answered = await sendCall(this.efms, operation, call ?? example);
      return answered.status >= 300 || !until || until(answered) ? answered : undefined;
    });
    if (answer.status < 300) {
      const kept = keep?.(answer);
      Object.assign(this.known.ids, kept?.ids);
      Object.assign(this.known.body, kept?.body);
    }
    return answer;
  }
}

/** The example of an operation as a request. */
function callOf(operation: Documented, known: Known, token: string): Call {
  const exampleOf = (name: string): string => {
    const parameter = operation.described.find((candidate) => candidate.name === name);
    return String(known.ids[name] ?? parameter?.example ?? parameter?.schema?.example);
  };
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  const ifMatch = operation.described.find(({ name }) => name.toLowerCase() === 'if-match');
  if (ifMatch) headers[ifMatch.name] = exampleOf(ifMatch.name);
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type) headers['content-type'] = type;
  return {
    method: operation.method,
    path: operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exampleOf(name)),
    headers,
    ...(media ? { body: { ...media.example, ...known.body } } : {}),
  };
}

/** Sends a request; a body that is text goes as it is. Of a stream, only its beginning is read. */
export async function sendCall(
  efms: Pick<Efms, 'http'>,
  { isStream }: Pick<ApiOperation, 'isStream'>,
  { method, path, headers, body }: Call,
): Promise<ApiAnswer> {
  const ended = new AbortController();
  const response = await fetch(efms.http + path, {
    method,
    headers,
    signal: ended.signal,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = isStream && response.ok ? '' : await response.text();
  ended.abort();
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}
