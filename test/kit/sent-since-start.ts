import { type Efms } from './efms.js';

/** What an EFMS has sent to proxies since its start, by its own count: responses by kind of resource, and resources in them. */
export async function sentSinceStart(efms: Efms): Promise<{ responses: Record<string, number>; resources: number }> {
  const text = await (await fetch(`${efms.http}/metrics`)).text();
  const samples = [...text.matchAll(/^(efms_xds_\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels, value]) => ({
    name,
    type: /type="([^"]+)"/.exec(labels ?? '')?.[1] ?? '',
    value: Number(value),
  }));
  const responses = samples.filter(({ name, value }) => name === 'efms_xds_responses_total' && value > 0);
  const resources = samples.filter(({ name }) => name === 'efms_xds_resources_sent_total');
  return {
    responses: Object.fromEntries(responses.map(({ type, value }) => [type, value])),
    resources: resources.reduce((sum, { value }) => sum + value, 0),
  };
}
