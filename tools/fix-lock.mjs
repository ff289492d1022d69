// Completes package-lock.json for `npm ci`. npm leaves optional packages of other platforms out of the lock where the
// registry in use does not carry them, and `npm ci` then refuses ("Missing: X from lock file"). This adds an entry with
// version, os and cpu for each: npm skips it on other platforms and fetches it by name and version on its own.
// Run after every `npm install`: node tools/fix-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const OS = [
  'darwin',
  'linux',
  'win32',
  'windows',
  'android',
  'freebsd',
  'openharmony',
  'sunos',
  'aix',
  'netbsd',
  'openbsd',
];
const CPU = ['arm64', 'aarch64', 'x64', 'arm', 'armv7', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'wasm32'];
const CPU_NAMES = { aarch64: 'arm64', armv7: 'arm' };

const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));

/** Node's resolution: the package's own node_modules, then each parent's. */
function isLocked(from, name) {
  for (let dir = from; ; dir = dir.includes('/node_modules/') ? dir.slice(0, dir.lastIndexOf('/node_modules/')) : '') {
    if (lock.packages[`${dir ? `${dir}/` : ''}node_modules/${name}`]) return true;
    if (dir === '') return false;
  }
}

let added = 0;
for (const [path, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name)) continue;
    const words = name.split('/').pop().split(/[-.]/);
    const os = words.find((word) => OS.includes(word));
    const cpu =
      words.find((word) => CPU.includes(word)) ?? (words.some((word) => word.startsWith('arm')) ? 'arm' : undefined);
    if (!os && !cpu) {
      console.log(`left alone, not a platform package: ${name}`);
      continue;
    }
    lock.packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~]/, ''),
      ...(cpu ? { cpu: [CPU_NAMES[cpu] ?? cpu] } : {}),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...(os ? { os: [os === 'windows' ? 'win32' : os] } : {}),
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} platform packages added`);
