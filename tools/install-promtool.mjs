import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PROMTOOL_CACHE, promtoolVersion } from './promtool-binary.mjs';

/**
 * Puts promtool under .cache/promtool/, out of the package `prometheus` of this machine's Debian:
 *
 *     node tools/install-promtool.mjs
 *
 * The package is fetched and unpacked, never installed, so nobody need be root and nothing of the machine changes. Which version it is
 * follows from the release of Debian, and apt holds it against the hash in lists that Debian signed; only where these lists are missing
 * or outdated root is needed, to renew them. Run again, it finds the copy and does nothing. Exits 1, with one line that says what is
 * missing, where it cannot be had.
 */
const PACKAGE = 'prometheus';
const file = path.join(PROMTOOL_CACHE, 'promtool');

try {
  if (isInstalled()) say('it is installed already');
  else install();
  say(`${path.relative(process.cwd(), file)}: ${promtoolVersion(file)}`);
} catch (error) {
  process.stderr.write(`promtool: ${error.message}\n`);
  process.exitCode = 1;
}

function install() {
  for (const tool of ['apt-get', 'apt-cache', 'dpkg-deb']) {
    if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error) fail(`there is no ${tool}, so this is no Debian`);
  }
  mkdirSync(PROMTOOL_CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(PROMTOOL_CACHE, 'making-'));
  try {
    const archive = (isKnown() && download(folder)) || (renewLists() && download(folder));
    if (!archive) fail(`apt cannot fetch the package ${PACKAGE}${isRoot() ? '' : '; run apt-get update as root once'}`);
    say('unpacking it');
    if (
      spawnSync('dpkg-deb', ['--extract', archive, folder], { stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0
    ) {
      fail('dpkg-deb cannot unpack the package');
    }
    const found = path.join(folder, 'usr', 'bin', 'promtool');
    say(`it brings ${promtoolVersion(found)}`);
    renameSync(found, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The archive, or undefined where apt did not get it. About 20 MB. */
function download(folder) {
  say(`fetching Debian's package ${PACKAGE}`);
  // Its own user could not write into a folder of somebody else.
  const sandbox = isRoot() ? ['-o', 'APT::Sandbox::User=root'] : [];
  spawnSync('apt-get', [...sandbox, '--quiet', 'download', PACKAGE], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
  return archive && path.join(folder, archive);
}

/** Whether the lists of packages have it. */
function isKnown() {
  const { stdout } = spawnSync('apt-cache', ['show', PACKAGE], { encoding: 'utf8' });
  return stdout.includes(`Package: ${PACKAGE}`);
}

function renewLists() {
  if (!isRoot()) return false;
  say('renewing the lists of packages');
  return spawnSync('apt-get', ['--quiet', 'update'], { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function isRoot() {
  return process.getuid?.() === 0;
}

function isInstalled() {
  try {
    return existsSync(file) && promtoolVersion(file).startsWith('promtool');
  } catch {
    return false;
  }
}

function say(line) {
  process.stdout.write(`promtool: ${line}\n`);
}

function fail(line) {
  throw new Error(line);
}
