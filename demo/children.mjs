import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';

const PATIENCE = 15_000;
const started = new Set();

// The last resort, for an end that nobody planned: nothing outlives the demo.
process.on('exit', () => {
  for (const child of started) child.process.kill('SIGKILL');
});

/** A program that runs in a folder for the demo and ends with it; what it prints goes to a file there. */
export class Child {
  constructor(name, command, args, { folder, env = process.env }) {
    this.name = name;
    this.logFile = path.join(folder, `${name}.log`);
    const log = openSync(this.logFile, 'w', 0o600);
    this.process = spawn(command, args, { cwd: folder, stdio: ['ignore', log, log], env });
    closeSync(log);
    // A program that could not be started has ended, too.
    this.exited = new Promise((resolve) => this.process.once('exit', resolve).once('error', resolve));
    void this.exited.then(() => started.delete(this));
    started.add(this);
  }

  get log() {
    return readFileSync(this.logFile, 'utf8');
  }

  async stop() {
    if (!started.has(this)) return;
    this.process.kill('SIGTERM');
    const force = setTimeout(() => this.process.kill('SIGKILL'), PATIENCE);
    await this.exited;
    clearTimeout(force);
  }
}
