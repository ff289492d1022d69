import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { type Efms, startEfms } from '../kit/efms.js';
import { describeWithEnvoy, findEnvoy, validateBootstrap } from '../kit/envoy.js';
import { eventually } from '../kit/eventually.js';
import { FleetOfOne, PROTOCOLS } from '../kit/fleet-of-one.js';
import { fetchText } from '../kit/load.js';
import { freePort } from '../kit/ports.js';
import { Teardown } from '../kit/teardown.js';

const FORMATS = ['yaml', 'json'];
const NODES = {
  'that has only an id': {},
  'with locality and metadata': {
    cluster: 'edge',
    locality: { region: 'eu-1', zone: 'a', subZone: 'rack-7' },
    metadata: { rack: '0123', flags: { yes: 'no', canary: true }, weights: [1, 2] },
  },
};
const CASES = PROTOCOLS.flatMap((protocol) =>
  FORMATS.flatMap((format) => Object.entries(NODES).map(([kind, node]) => ({ protocol, format, kind, node }))),
);

describeWithEnvoy('a rendered bootstrap', () => {
  const teardown = new Teardown();
  afterEach(() => teardown.run());

  it('passes the validation of Envoy in every rendering', async () => {
    const efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
    const reports: unknown[] = [];
    for (const [index, { protocol, format, kind, node }] of CASES.entries()) {
      const fleet = await FleetOfOne.register(efms, `edge-${index}`, node);
      const adminPort = String(await freePort());

      const { code, output } = await validateBootstrap(await fleet.bootstrap({ format, protocol, adminPort }));

      reports.push({ protocol, format, kind, code, output: code === 0 ? '' : output });
    }
    expect(reports).toEqual(
      CASES.map(({ protocol, format, kind }) => ({ protocol, format, kind, code: 0, output: '' })),
    );
  }, 90_000);

  it('starts with the command beside it as written, in a shell, with a boot id of its own each time', async () => {
    const efms: Efms = teardown.add(await startEfms({ ports: { xds: await freePort() } }));
    const fleet = await FleetOfOne.register(efms, 'edge');
    const adminPort = await freePort();
    const folder = temporaryFolder();
    const bootstrap = await fleet.bootstrap({ format: 'yaml', protocol: 'delta', adminPort: String(adminPort) });
    fs.writeFileSync(path.join(folder, 'bootstrap.yaml'), bootstrap, { mode: 0o600 });

    const boots = [
      await bootIdOf(fleet.startCommand, folder, adminPort),
      await bootIdOf(fleet.startCommand, folder, adminPort),
    ];

    expect(boots).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
    expect(boots[0]).not.toBe(boots[1]);
  }, 90_000);

  /** Runs the command in a shell until Envoy tells what it is, and ends it. */
  async function bootIdOf(command: string, folder: string, adminPort: number): Promise<unknown> {
    // Its own process group, so that the shell and the Envoy in it end together.
    const shell = spawn('sh', ['-c', command], {
      cwd: folder,
      detached: true,
      env: { ...process.env, PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}` },
      stdio: 'ignore',
    });
    const exited = once(shell, 'exit');
    try {
      const info = await eventually('an Envoy that is ready', async () => {
        const { state, node } = JSON.parse(await fetchText({ port: adminPort, path: '/server_info' })) as ServerInfo;
        return state === 'LIVE' ? node : undefined;
      });
      return info.metadata?.['efms.boot_id'];
    } finally {
      process.kill(-shell.pid!, 'SIGKILL');
      await exited;
    }
  }

  /** A folder with a program `envoy` that takes no hot restart, so that other Envoys of this machine do not matter. */
  function temporaryFolder(): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'efms-envoy-'));
    teardown.add({ stop: () => fs.promises.rm(folder, { recursive: true, force: true }) });
    const program = `#!/bin/sh\nexec '${findEnvoy()!}' "$@" --disable-hot-restart --concurrency 1\n`;
    fs.writeFileSync(path.join(folder, 'envoy'), program, { mode: 0o755 });
    return folder;
  }
});

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface ServerInfo {
  readonly state: string;
  readonly node: { readonly metadata?: Readonly<Record<string, unknown>> };
}
