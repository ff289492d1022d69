#!/usr/bin/env node
// Runs EFMS on the Node that started this file where that is new enough, and otherwise on the Node 24 that is installed as a
// dependency. Kept to what old releases of Node can parse.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Keep equal to `engines` in package.json. */
const OLDEST = [22, 18];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) {
  endWithParent();
  process.setSourceMapsEnabled(true);
  await import('../dist/cli/efms.js');
} else {
  runOn(findBundledNode());
}

/** @returns the path of the executable; the package's name has one of two forms, by platform */
function findBundledNode() {
  const { resolve } = createRequire(import.meta.url);
  const platform = `${process.platform}-${process.arch}`;
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
    try {
      return resolve(`${name}/bin/node`);
    } catch {
      // Optional dependencies are absent on other platforms, and where they were left out.
    }
  }
  process.stderr.write(
    `efms: Node ${process.versions.node} is too old and no newer one is installed for ${platform}: ` +
      `use Node ${OLDEST.join('.')} or later, or install EFMS with its optional dependencies\n`,
  );
  process.exit(1);
}

/** Stands in for the child: passes signals on, and ends as it ends. */
function runOn(node) {
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    // The channel carries nothing; that it closes tells the child of a killed parent.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`efms: cannot run ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

function endWithParent() {
  if (!process.channel) return;
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}
