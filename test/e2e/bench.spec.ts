import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../kit/eventually.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  TEST_DATABASE_URL: JSON.parse(process.env['EFMS_TEST_CLUSTER']!).adminUrl,
});

/** Runs a benchmark as small as it can be on the PostgreSQL of the tests. */
async function figuresOf(program: string, ...options: string[]): Promise<any> {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(ROOT, program), '--json', ...options], {
    env: environment(),
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

describe('the benchmark of xDS', () => {
  const bench = (...options: string[]) =>
    figuresOf('bench/xds.ts', '--scale', '0.01', '--streams', '1000', '--kb', '10', '--rounds', '1', ...options);

  it('connects streams of both protocols and pushes to all of them', async () => {
    const { figures } = await bench('--phases', 'fan-out');
    const told = figures.map(({ what, protocol }: { what: string; protocol: string }) => `${protocol}: ${what}`);
    const whats = ['connect', 'push one', 'push all'];
    expect(told).toEqual(['sotw', 'delta'].flatMap((protocol) => whats.map((what) => `${protocol}: ${what}`)));
    for (const { streams, messages, last_ms } of figures) {
      expect([streams, messages]).toEqual([10, 1]);
      expect(last_ms).toEqual(expect.any(Number));
    }
    const [whole, , all] = figures;
    expect(all.bytes).toBe(whole.bytes);
    const [, changed] = figures.filter(({ protocol }: { protocol: string }) => protocol === 'delta');
    expect(changed.bytes).toBeLessThan(whole.bytes / 5);
  });

  const namesOf = (figures: readonly { server: string; what: string }[]) =>
    figures.map(({ server, what }) => `${server}: ${what}`);

  it('deploys, and storms with and without TLS', async () => {
    const { figures } = await bench('--phases', 'deploy,storm', '--protocols', 'delta');
    expect(namesOf(figures)).toEqual([
      'efms: connect',
      'efms: commit and deploy',
      'efms: reconnect unchanged',
      ...['efms', 'efms, TLS'].flatMap((server) =>
        ['connect', 'reconnect unchanged', 'push one'].map((what) => `${server}: ${what}`),
      ),
    ]);
    for (const { what, bytes, messages } of figures) {
      if (what === 'reconnect unchanged') expect([bytes, messages]).toEqual([0, 0]);
    }
  });

  it('stalls, and serves each its own', async () => {
    const { figures } = await bench('--phases', 'slow,distinct', '--protocols', 'sotw');
    expect(namesOf(figures)).toEqual([
      'efms: push all, others slow',
      'efms: slow ones read on',
      'efms, distinct: connect',
      'efms, distinct: push one',
    ]);
    expect(figures[1].messages).toBeLessThanOrEqual(2);
  });
});

describe('the benchmark of the event loop', () => {
  it('watches it while large things are done', async () => {
    const { figures } = await figuresOf('bench/loop.ts', '--phases', 'commits', '--scale', '0.01');
    const watched = figures.filter(({ name }: { name: string }) => name.endsWith(': event loop, longest'));
    expect(watched).toHaveLength(10);
    for (const { value } of watched) expect(value).toEqual(expect.any(Number));
    const errors = figures.filter(({ name, value }: any) => name.endsWith(', errors') && value > 0);
    expect(errors).toEqual([]);
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

describe('a benchmark that is told to end', () => {
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  // The processes of another are told by Linux only.
  (process.platform === 'linux' ? it : it.skip).each([
    ['bench/rest.ts', 'SIGTERM', 143],
    ['bench/isolation-timing.ts', 'SIGINT', 130],
  ] as const)('%s leaves no process behind after %s', async (program, signal, code) => {
    const options = program === 'bench/rest.ts' ? ['--scale', '0.01'] : [];
    const stdio = ['ignore', 'ignore', 'pipe'] as const;
    const bench = spawn(process.execPath, [path.join(ROOT, program), ...options], {
      env: environment(),
      stdio: [...stdio],
    });
    const exited = once(bench, 'exit');
    let said = '';
    bench.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    try {
      await eventually('the first requests', () => /^(warming up|read)$/m.test(said) || undefined, 100);
      const started = readFileSync(`/proc/${bench.pid}/task/${bench.pid}/children`, 'utf8')
        .trim()
        .split(' ')
        .map(Number);
      expect(started.map(isAlive)).toContain(true);

      bench.kill(signal);
      expect(await exited).toEqual([code, null]);
      await eventually('the end of all that it started', () => !started.some(isAlive) || undefined);
    } finally {
      bench.kill('SIGKILL');
    }
  });
});
