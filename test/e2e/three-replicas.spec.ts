import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a simulation as it is run by hand, and answers what it printed, whatever it ended with. */
function simulate(
  ...options: string[]
): Promise<{ readonly code: number; readonly outcome: any; readonly said: string }> {
  const { adminUrl } = JSON.parse(process.env['EFMS_TEST_CLUSTER']!);
  const env = { PATH: process.env['PATH'], TEST_DATABASE_URL: adminUrl };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [path.join(ROOT, 'bench/sim-fleet.ts'), '--json', ...options],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, said) => {
        if (stdout === '') reject(error ?? new Error(said));
        else resolve({ code: Number(error?.code ?? 0), outcome: JSON.parse(stdout), said });
      },
    );
  });
}

describe('three replicas with a fleet, while everything goes wrong once', () => {
  it('leave every proxy with what it was assigned last, none with a mixture, and repeat nothing without a reason (seed 6)', async () => {
    const { code, outcome, said } = await simulate(
      '--proxies',
      '40',
      '--replicas',
      '3',
      '--seconds',
      '16',
      '--seed',
      '6',
    );
    const { violations, problems, faults, changes, responses, reasons } = outcome;
    process.stdout.write(`${said}\n${JSON.stringify({ responses, faults, changes, reasons })}\n`);
    expect([violations, problems]).toEqual([[], []]);
    expect(code).toBe(0);
    expect(Object.keys(faults).sort()).toEqual([
      'connections cut',
      'connections half open',
      'database lost',
      'database paused',
      'doorbell lost',
      'proxies restarted',
      'replica killed',
      'replica terminated',
    ]);
    // A first configuration of seven responses or so for each, and some changes.
    expect(responses).toBeGreaterThan(40 * 6);
    expect(changes).toMatchObject({ deployment: expect.any(Number), version: expect.any(Number) });
  }, 300_000);
});
