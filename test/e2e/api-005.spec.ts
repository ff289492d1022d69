import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ApiAnswer, type Efms, startEfms } from '../kit/efms.js';

describe('API-005: lists are filtered and sorted', () => {
  let efms: Efms;

  beforeAll(async () => {
    efms = await startEfms();
    const zones = { 'edge-1': 'a', 'edge-2': 'b', 'edge-3': 'c', 'core-1': 'a' };
    for (const [name, zone] of Object.entries(zones)) {
      await efms.api('PUT', `/proxies/name:${name}`, { nodeId: name, labels: { role: name.slice(0, 4), zone } });
    }
  });
  afterAll(() => efms.stop());

  const list = (query: string): Promise<ApiAnswer> => efms.api('GET', `/proxies?${query}`);
  const names = async (query: string): Promise<string[]> =>
    (await list(query)).body.items.map(({ name }: { name: string }) => name);

  it('given a label selector or the beginning of a name, shows what satisfies it', async () => {
    expect(await names('labels=role%3Dedge,zone%20in%20(a,b)')).toEqual(['edge-1', 'edge-2']);
    expect(await names('labels=zone%3Da')).toEqual(['core-1', 'edge-1']);
    expect(await names('name=edge-&labels=zone%20notin%20(a)')).toEqual(['edge-2', 'edge-3']);
  });

  it('given keys to sort by, keeps to their order over pages', async () => {
    expect(await names('sort=-name')).toEqual(['edge-3', 'edge-2', 'edge-1', 'core-1']);
    expect(await names('sort=createdAt')).toEqual(['edge-1', 'edge-2', 'edge-3', 'core-1']);
    const first = await list('sort=-createdAt,name&limit=3');
    const rest = await list(`sort=-createdAt,name&limit=3&cursor=${first.body.nextCursor}`);
    const all = [...first.body.items, ...rest.body.items].map(({ name }: { name: string }) => name);
    expect(all).toEqual(['core-1', 'edge-3', 'edge-2', 'edge-1']);
  });

  it('refuses keys and filters that it does not know, and selectors that cannot be read', async () => {
    for (const query of ['sort=colour', 'sort=name,name', 'sort=', 'colour=red']) {
      const answer = await list(query);
      expect([query, answer.status, answer.body.errors[0].pointer]).toEqual([query, 422, `/${query.split('=')[0]}`]);
    }
    for (const selector of ['role%3D%3D%3Dx', 'zone%20in%20(', '%2C']) {
      expect([selector, (await list(`labels=${selector}`)).status]).toEqual([selector, 400]);
    }
  });
});
