import { Hopeless, until } from './network.mjs';

/** The proxy and the configuration that the calls below are about: `edge-1` and `edge`. */
export function commit(api, expectedHead, message, content) {
  const body = { branch: 'main', expectedHead, message, snapshot: content };
  return api.call('POST', '/configurations/name:edge/versions', body);
}

/** Starts a deployment and answers its id. */
export async function deploy(api, version) {
  const { id } = await api.call('POST', '/deployments', {
    configuration: 'name:edge',
    version,
    targets: { proxies: ['name:edge-1'] },
    strategy: { type: 'immediate' },
  });
  return id;
}

export async function deployed(api, id) {
  await until(`the end of deployment ${id}`, async () => {
    const { status, targets } = await api.look(`/deployments/${id}`);
    if (['halted', 'aborted'].includes(status)) throw new Hopeless(`${status}: ${JSON.stringify(targets.items)}`);
    return status === 'succeeded';
  });
  await api.call('GET', `/deployments/${id}`);
}
