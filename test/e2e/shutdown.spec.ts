import { describe, expect, it } from '@jest/globals';
import { type SpawnedEfms, spawnEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';

/** Creates configurations one after the other until the server is gone; answers the statuses it saw. */
async function write(efms: SpawnedEfms, writer: number, seen: Map<number, number>): Promise<void> {
  for (let i = 0; ; i++) {
    const answer = await efms.api('POST', '/configurations', { name: `w${writer}-${i}` }).catch(() => undefined);
    if (!answer) return;
    seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
  }
}

describe('the end of EFMS under load', () => {
  it('loses no write that it acknowledged, and answers no request with an error of its own', async () => {
    const efms = await spawnEfms();
    try {
      const seen = new Map<number, number>();
      const writers = Array.from({ length: 12 }, (_, writer) => write(efms, writer, seen));
      await eventually('a hundred writes', () => (seen.get(201) ?? 0) >= 100 || undefined);

      expect(await efms.terminate()).toBe(0);
      await Promise.all(writers);

      // What comes in the last moment may be refused for now, as any request while the database is away.
      expect([...seen.keys()].filter((status) => status !== 201 && status !== 503)).toEqual([]);
      const [row] = await efms.database.sql<{ count: number }>(
        'select count(*)::integer as count from proxy_configurations',
      );
      expect(row?.count).toBeGreaterThanOrEqual(seen.get(201)!);
    } finally {
      await efms.stop();
    }
  });
});
