import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiOperation, apiOperations } from '../kit/api-operations.js';
import { contract } from '../kit/contract/unmet.js';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';

const PASSWORD = 'correct-horse-battery';
const EMAIL = 'admin@efms.local';

/** What people get from an answer before, in the place of what stands in an example. */
interface Known {
  readonly ids: Record<string, string>;
  readonly body: Record<string, unknown>;
}

/** One call of the walk: the example of an operation, with what only this server can know put into its place. */
interface Step {
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
const WALK: readonly Step[] = [
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
  ...read('ProxyGroups_create', 'ProxyGroups_put', 'ProxyGroups_list', 'ProxyGroups_get', 'ProxyGroups_patch'),
  ...read('Proxies_create', 'Proxies_put', 'Proxies_list', 'Proxies_get', 'Proxies_patch', 'ProxySync_read'),
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
  ...read(
    'Configurations_create',
    'Configurations_put',
    'Configurations_list',
    'Configurations_get',
    'Configurations_patch',
  ),
  ...read('Versions_commit', 'Versions_list', 'Versions_get', 'Versions_diff'),
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

interface Documented {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly example?: unknown;
    readonly schema?: { readonly example?: unknown };
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

interface Media {
  readonly example?: any;
}

describe('the examples of the OpenAPI document', () => {
  let efms: Efms;
  let routes: readonly ApiOperation[];
  let documented: readonly Documented[];

  beforeAll(async () => {
    efms = await startEfms({ env: { EFMS_ADMIN_EMAIL: EMAIL, EFMS_ADMIN_PASSWORD: PASSWORD } });
    const document: any = await (await fetch(`${efms.http}/openapi.json`)).json();
    routes = await apiOperations(efms);
    documented = routes.map(({ method, path }) => document.paths[path][method.toLowerCase()]);
  });
  afterAll(() => efms.stop());

  it('are there for every operation, with words that say what it does and problems that it may end in', () => {
    const missing = documented.flatMap((operation, i) => {
      const { operationId, summary, description, requestBody, responses } = operation;
      const media = [requestBody, ...Object.values(responses)].flatMap((part) => Object.values(part?.content ?? {}));
      const refusals = Object.entries(responses).filter(([status]) => status.startsWith('4'));
      const isApi = routes[i]!.path.startsWith('/api/');
      return [
        ...(summary ? [] : [`${operationId} has no summary`]),
        ...(description ? [] : [`${operationId} has no description`]),
        ...(media.every(({ example }) => example !== undefined) ? [] : [`${operationId} has a body without example`]),
        ...(!isApi || refusals.length > 0 ? [] : [`${operationId} declares no refusal`]),
        ...(refusals.every(([, { content }]) => content?.['application/problem+json'])
          ? []
          : [`${operationId} refuses with something that is no problem document`]),
      ];
    });
    expect(missing).toEqual([]);
  });

  it('are answers as the document describes them', () => {
    const wrong = documented.flatMap(({ responses }, i) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.entries(content)
          .filter(([type]) => type.endsWith('json') && !type.includes('ndjson'))
          .flatMap(([contentType, { example }]) =>
            contract.mismatches({
              method: routes[i]!.method,
              url: efms.http + routes[i]!.path,
              status: Number(status),
              contentType,
              text: JSON.stringify(example),
            }),
          ),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('can be pasted, one after the other, and all work', async () => {
    expect(WALK.map(({ operation }) => operation).sort()).toEqual(documented.map((o) => o.operationId).sort());
    const known: Known = {
      ids: {},
      body: { password: PASSWORD, currentPassword: PASSWORD },
    };
    const refused: string[] = [];
    for (const { operation, ids = [], given = [], until, keep } of WALK) {
      const i = documented.findIndex(({ operationId }) => operationId === operation);
      const answer = await eventually(operation, async () => {
        const answered = await paste(routes[i]!, documented[i]!, {
          ids: Object.fromEntries(ids.map((name) => [name, known.ids[name]!])),
          body: Object.fromEntries(given.map((name) => [name, known.body[name]])),
        });
        return answered.status >= 300 || !until || until(answered) ? answered : undefined;
      });
      if (answer.status >= 300) refused.push(`${operation}: ${answer.status} ${JSON.stringify(answer.body)}`);
      else {
        const kept = keep?.(answer);
        Object.assign(known.ids, kept?.ids);
        Object.assign(known.body, kept?.body);
      }
    }
    expect(refused).toEqual([]);
  });

  /** Calls an operation with its examples; of a stream, only its beginning is read. */
  async function paste(route: ApiOperation, operation: Documented, known: Known): Promise<ApiAnswer> {
    const exampleOf = (name: string): string => {
      const parameter = operation.parameters.find((candidate) => candidate.name === name);
      return String(known.ids[name] ?? parameter?.example ?? parameter?.schema?.example);
    };
    const headers: Record<string, string> = { authorization: `Bearer ${efms.adminToken}` };
    const ifMatch = operation.parameters.find(({ name }) => name.toLowerCase() === 'if-match');
    if (ifMatch) headers['if-match'] = exampleOf(ifMatch.name);
    const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    if (type) headers['content-type'] = type;
    const ended = new AbortController();
    const response = await fetch(
      efms.http + route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exampleOf(name)),
      {
        method: route.method,
        headers,
        signal: ended.signal,
        ...(media ? { body: JSON.stringify({ ...media.example, ...known.body }) } : {}),
      },
    );
    const text = route.isStream ? '' : await response.text();
    ended.abort();
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
    const body = isJson && text !== '' ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body };
  }
});
