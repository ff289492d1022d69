import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { Durations } from '../../common/metrics/durations.js';
import { fromNothing, labelled, Publisher, type Reading } from './publish.js';

async function published(publish: (publisher: Publisher) => void): Promise<string[]> {
  const registry = new Registry();
  publish(new Publisher(registry));
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const gauge = (read: () => Reading, labels?: readonly string[]) =>
  published((publisher) => publisher.gauge({ name: 'efms_some', help: 'Some', ...(labels && { labels }), read }));

describe('what is published', () => {
  it('is read when it is scraped, and counters do not add up over scrapes', async () => {
    const registry = new Registry();
    let count = 1;
    new Publisher(registry).counter({ name: 'efms_some_total', help: 'Some', read: () => count });
    await registry.metrics();
    count = 3;
    expect(await registry.metrics()).toContain('\nefms_some_total 3\n');
  });

  it('is left out where it is not known, and not told as 0', async () => {
    expect(await gauge(() => undefined)).toEqual([]);
    expect(await gauge(() => undefined, ['type'])).toEqual([]);
    expect(await gauge(() => 0)).toEqual(['efms_some 0']);
  });

  it('forgets values of labels that are gone', async () => {
    const registry = new Registry();
    let reading: Reading = labelled('lease', [['one', 1]]);
    new Publisher(registry).gauge({ name: 'efms_some', help: 'Some', labels: ['lease'], read: () => reading });
    await registry.metrics();
    reading = labelled('lease', [['two', 1]]);
    expect(await registry.metrics()).not.toContain('one');
  });

  it('begins at nothing for what has not happened yet', async () => {
    const read = () => labelled('type', [...fromNothing(['cluster', 'route']), ['route', 2] as const]);
    expect(await gauge(read, ['type'])).toEqual(['efms_some{type="cluster"} 0', 'efms_some{type="route"} 2']);
  });

  it('shows durations as a histogram whose buckets add up', async () => {
    const durations = new Durations([0.01, 0.1]);
    for (const ms of [5, 50, 50, 500]) durations.count(ms);
    const lines = await published((publisher) =>
      publisher.histograms({
        name: 'efms_some_seconds',
        help: 'Some',
        label: 'kind',
        durations: [['major', durations]],
      }),
    );
    expect(lines).toEqual([
      'efms_some_seconds_bucket{kind="major",le="0.01"} 1',
      'efms_some_seconds_bucket{kind="major",le="0.1"} 3',
      'efms_some_seconds_bucket{kind="major",le="+Inf"} 4',
      'efms_some_seconds_sum{kind="major"} 0.605',
      'efms_some_seconds_count{kind="major"} 4',
    ]);
  });
});
