import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What to tell somebody who has no promtool, in one line. */
export const HOW_TO_GET_PROMTOOL =
  'run `npm run promtool:install` (on Debian and its like), put promtool on the PATH, or name the binary in PROMTOOL_BIN';

/** Folder of the copy that `npm run promtool:install` makes. */
export const PROMTOOL_CACHE = fileURLToPath(new URL('../.cache/promtool', import.meta.url));

/** Path of the promtool to use: PROMTOOL_BIN, then the PATH, then the installed copy. Undefined without one; throws where PROMTOOL_BIN is wrong. */
export function findPromtool() {
  const given = process.env['PROMTOOL_BIN'];
  if (given && !isExecutable(given)) throw new Error(`PROMTOOL_BIN names ${given}, which is no program`);
  if (given) return given;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return [...folders, PROMTOOL_CACHE].map((folder) => path.join(folder, 'promtool')).find(isExecutable);
}

/** The first line of `promtool --version`. Throws where the file is no program that runs here. */
export function promtoolVersion(file) {
  // Releases of before 2.45 say it on standard error.
  return execFileSync('/bin/sh', ['-c', '"$0" --version 2>&1', file], { encoding: 'utf8', timeout: 60_000 }).split(
    '\n',
  )[0];
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
