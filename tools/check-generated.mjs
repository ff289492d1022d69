// Compares generated files that are committed with what would be generated now; --write brings them into step.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { eventsPage } from './events-page.mjs';
import { typescriptClient } from './typescript-client.mjs';

const DOCUMENT = 'docs/reference/openapi.json';
const CLIENT = 'clients/typescript/src/generated';
const EVENTS_PAGE = 'docs/reference/events.md';

const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
run('npm', ['run', '-s', 'build']);
const document = run(process.execPath, ['bin/efms.mjs', 'openapi']);

const { EVENTS } = await import('../dist/observability/services/event-types.js');
const { permissionOf } = await import('../dist/observability/services/event-filter.js');

const files = { [DOCUMENT]: document };
files[EVENTS_PAGE] = await format(eventsPage(EVENTS, permissionOf), {
  ...(await resolveConfig(EVENTS_PAGE)),
  filepath: EVENTS_PAGE,
});
for (const [name, text] of Object.entries(typescriptClient(JSON.parse(document)))) {
  const file = path.join(CLIENT, name);
  files[file] = await format(text, { ...(await resolveConfig(file)), filepath: file });
}

for (const [file, text] of Object.entries(files)) {
  if (read(file) === text) continue;
  if (process.argv.includes('--write')) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${file}`);
  } else {
    console.error(`${file} is out of step with the code: run "npm run openapi" and commit it`);
    process.exitCode = 1;
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
