// Compares generated files that are committed with what would be generated now; --write brings them into step.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FILE = 'docs/reference/openapi.json';

const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
run('npm', ['run', '-s', 'build']);
const document = run(process.execPath, ['bin/efms.mjs', 'openapi']);

if (process.argv.includes('--write')) {
  mkdirSync(path.dirname(FILE), { recursive: true });
  writeFileSync(FILE, document);
  console.log(`wrote ${FILE}`);
} else if (read(FILE) !== document) {
  console.error(`${FILE} is out of step with the code: run "npm run openapi" and commit it`);
  process.exitCode = 1;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
