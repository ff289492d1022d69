import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a benchmark as small as it can be on the PostgreSQL of the tests. */
async function figuresOf(program: string, ...options: string[]): Promise<any> {
  const { adminUrl } = JSON.parse(process.env['EFMS_TEST_CLUSTER']!);
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(ROOT, program), '--json', ...options], {
    env: { PATH: process.env['PATH'], TEST_DATABASE_URL: adminUrl },
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout);
}

describe('the benchmark of the REST API', () => {
  it('runs through every phase without a failed request', async () => {
    const { figures, latencies, profile } = await figuresOf('bench/rest.ts', '--scale', '0.01', '--seconds', '2');
    const errors = figures.filter(({ name }: { name: string }) => name.endsWith(': errors'));
    expect(errors).toHaveLength(4);
    for (const { name, value } of errors) expect([name, value]).toEqual([name, 0]);
    expect(Object.keys(latencies)).toHaveLength(4);
    expect(profile.functions.length).toBeGreaterThan(5);
  });
});

describe('the benchmark of what times tell of other tenants', () => {
  it('runs through every operation', async () => {
    const { rows } = await figuresOf('bench/isolation-timing.ts', '--pairs', '20');
    expect(rows).toHaveLength(4);
    for (const { mannWhitney, welch } of rows)
      for (const p of [mannWhitney, welch]) expect(p).toEqual(expect.any(Number));
  });
});
