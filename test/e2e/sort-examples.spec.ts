import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';

interface Parameter {
  readonly name: string;
  readonly example?: string;
  readonly schema?: { readonly example?: string };
}

describe('lists that can be sorted', () => {
  let efms: Efms;
  beforeAll(async () => {
    efms = await startEfms();
    await efms.api('POST', '/configurations', { name: 'sorted' });
    await efms.api('PUT', '/proxy-groups/name:sorted', {});
    await efms.api('PUT', '/secrets/name:sorted', { genericSecret: { value: 'sorted' } });
    const override = { clusterName: 'blue', address: '10.0.0.1', port: 80, weight: 1, reason: 'sorted' };
    await efms.api('PUT', '/endpoint-overrides/name:sorted', override);
    await efms.api('PUT', '/proxies/name:sorted', { nodeId: 'sorted' });
  });
  afterAll(() => efms.stop());

  it('take the example of their own documentation', async () => {
    const document: any = await (await fetch(`${efms.http}/openapi.json`)).json();
    const answers: Record<string, number> = {};
    for (const [path, operations] of Object.entries<any>(document.paths)) {
      const sort = operations.get?.parameters?.find((parameter: Parameter) => parameter.name === 'sort') as
        Parameter | undefined;
      const example = sort?.example ?? sort?.schema?.example;
      if (example === undefined) continue;
      const list = path.replace('/api/v1', '').replace('{id}', 'name:sorted');
      answers[path] = (await efms.api('GET', `${list}?sort=${example}`)).status;
    }
    expect(Object.keys(answers).length).toBeGreaterThan(11);
    expect(Object.entries(answers).filter(([, status]) => status !== 200)).toEqual([]);
  });
});
