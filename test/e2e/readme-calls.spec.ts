import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Efms, startEfms } from '../kit/efms.js';
import { eventually } from '../kit/eventually.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const PASSWORD = 'correct-horse-battery';

/** The README's section of calls, verbatim but for the port of the server. */
function callsOf(efms: Efms): string {
  const block = /```sh\n(API=[\s\S]*?)```/.exec(README)?.[1];
  if (block === undefined) throw new Error('the README has no section of calls that begins with API=');
  return block.replace(/^API=\S+/, `API=${efms.http}/api/v1`);
}

describe('the calls of the README, pasted as they stand', () => {
  let efms: Efms;
  let folder: string;

  beforeAll(async () => {
    efms = await startEfms({ env: { EFMS_ADMIN_PASSWORD: PASSWORD } });
    folder = mkdtempSync(path.join(os.tmpdir(), 'efms-readme-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await efms.stop();
  });

  it('lead from an empty server to a deployment that waits for its proxy', async () => {
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', callsOf(efms)], {
      cwd: folder,
      env: { ...process.env, PASSWORD },
    });

    expect(stdout).not.toContain('/problems/');
    expect(stdout).toContain('"role":"admin"');
    const bootstrap = readFileSync(path.join(folder, 'bootstrap.yaml'), 'utf8');
    expect(bootstrap).toMatch(/value: "?Bearer efmsp_/);
    const { body: group } = await efms.api('GET', '/proxy-groups/name:edge/proxies');
    expect(group.items.map((proxy: { name: string }) => proxy.name)).toEqual(['edge-1']);
    const { body: version } = await efms.api('GET', '/configurations/name:edge/versions/1');
    expect(version).toMatchObject({ number: 1, message: 'first version' });
    const location = /^location: (\S+)/im.exec(stdout)?.[1];
    await eventually('the deployment to have assigned its proxy', async () => {
      const { body } = await efms.api('GET', `/deployments/${location?.split('/').at(-1) ?? ''}`);
      return body.status === 'running' && body.targets.items[0]?.status === 'assigned' ? true : undefined;
    });
  });
});
