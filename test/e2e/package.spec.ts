import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

describe('the npm package', () => {
  let files: string[];

  // The files of `dist` as the tests use it; building again would take it away from the tests that run beside this one.
  beforeAll(() => {
    const answer = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // A list in npm 11 and before, an object by package name after it.
    const [packed] = Object.values(JSON.parse(answer) as Record<string, { files: { path: string }[] }>);
    files = packed!.files.map((file) => file.path);
  });

  it('holds the program, its migrations and the API of Envoy', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'NOTICE',
        'bin/efms.mjs',
        'dist/main.js',
        'dist/cli/efms.js',
        'dist/xds/envoy-api/descriptors/envoy-1.40.binpb.gz',
        'migrations/0001_foundation.sql',
      ]),
    );
  });

  it('holds nothing else', () => {
    const expected =
      /^(package\.json|README\.md|NOTICE|bin\/efms\.mjs|migrations\/\d{4}_\w+\.sql|dist\/.+\.js(\.map)?|dist\/.+\.binpb\.gz)$/;
    expect(files.filter((file) => !expected.test(file) || file.includes('.spec.'))).toEqual([]);
  });

  it('is built before it is packed', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(scripts['prepack']).toBe('npm run -s build');
  });
});

describe('the command efms', () => {
  const bin = path.join(ROOT, 'bin/efms.mjs');
  /** Says on which Node a script runs. */
  const preload = `data:text/javascript,process.stderr.write('on '+process.versions.node+';')`;

  it('wants the Node that package.json names', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const oldest = /OLDEST = \[(\d+), (\d+)\]/.exec(read('bin/efms.mjs'))!;
    expect(engines.node).toBe(`>=${oldest[1]}.${oldest[2]}`);
  });

  it('runs on a Node that is new enough', () => {
    const { stderr, stdout, status } = efms(process.execPath);
    expect(stdout).toContain('Usage: efms');
    expect(stderr).toBe(`on ${process.versions.node};`);
    expect(status).toBe(0);
  });

  const older = findOlderNode();
  (older === undefined ? it.skip : it)('runs on the Node that comes with it where the machine has an older one', () => {
    const { stderr, stdout, status } = efms(older!);
    expect(stdout).toContain('Usage: efms');
    expect(stderr).toMatch(/^on 2[0-2]\.[\d.]+;on 24\.[\d.]+;$/);
    expect(status).toBe(0);
  });

  it('ends with the exit code of what it ran', () => {
    expect(efms(older ?? process.execPath, 'no-such-command').status).toBe(1);
  });

  function efms(node: string, ...args: string[]) {
    const env = { PATH: '/usr/bin:/bin', NODE_OPTIONS: `--import="${preload}"` };
    return spawnSync(node, [bin, ...(args.length > 0 ? args : ['--help'])], {
      cwd: os.tmpdir(),
      env,
      encoding: 'utf8',
    });
  }
});

/** A Node on the PATH that cannot run EFMS; this repository's own executables come first on it and are new. */
function findOlderNode(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, 'node'))
    .find((node) => {
      const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout;
      const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
      // --import came with 18.18 and 20.
      return Number(major) >= 20 && Number(major) * 1000 + Number(minor) < 22_018;
    });
}
