import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/common/config/config.js';
import { startServer } from '../../src/start/server.js';
import { createTestDatabase, type TestDatabase } from './database.js';

const ADMIN = { email: 'admin@efms.local', password: 'correct-horse-battery' };

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON where the answer is JSON, otherwise its text. */
  readonly body: any;
}

/** A client of one running EFMS, logged in as the platform admin. */
export interface Efms {
  /** `http://127.0.0.1:PORT` */
  readonly http: string;
  readonly xdsPort: number;
  readonly database: TestDatabase;
  readonly dataDir: string;
  readonly adminToken: string;
  /** Calls `/api/v1` + path as the admin; a string body is sent as YAML, anything else as JSON. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Ends the server, and the database where this test made it. */
  stop(): Promise<void>;
}

/** An EFMS in a process of its own, which can be killed. */
export interface SpawnedEfms extends Efms {
  readonly pid: number;
  /** What it printed so far. */
  output(): string;
  /** SIGKILL; resolves when the process is gone. The database stays. */
  kill(): Promise<void>;
  /** SIGTERM; resolves to the exit code. The database stays. */
  terminate(): Promise<number | null>;
}

export interface EfmsOptions {
  /** Shared with other replicas; without it the server gets a database of its own, dropped by `stop()`. */
  readonly database?: TestDatabase;
  readonly env?: Readonly<Record<string, string>>;
  readonly ports?: { readonly http?: number; readonly xds?: number };
}

/** Starts EFMS inside the test's process on a database of its own, both ports chosen by the system. */
export async function startEfms(options: EfmsOptions = {}): Promise<Efms> {
  const place = await prepare(options);
  const server = await startServer(loadConfig(place.env));
  return client(server.httpUrl, Number(server.xdsAddress.split(':').at(-1)), place, async () => {
    await server.stop();
    await place.remove();
  });
}

/** Starts the built EFMS (`dist/`, made by `npm run build`) as a child process. */
export async function spawnEfms(options: EfmsOptions = {}): Promise<SpawnedEfms> {
  const place = await prepare(options);
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  const child = spawn(process.execPath, ['--enable-source-maps', main], {
    env: { PATH: process.env['PATH'], ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ready = new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      printed += chunk.toString();
      if (/^ {2}xDS {6}\S+/m.test(printed)) resolve();
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => reject(new Error(`EFMS exited with ${code} before it was ready:\n${printed}`)));
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    await ready;
  } catch (error) {
    await place.remove();
    throw error;
  }
  const url = /^ {2}API {6}(http:\/\/[^/]+)/m.exec(printed)?.[1] ?? '';
  const xds = Number(/^ {2}xDS {6}\S+:(\d+)/m.exec(printed)?.[1]);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (isRunning(child)) child.kill(signal);
    return exited;
  };
  const efms = await client(url, xds, place, async () => {
    await end('SIGTERM');
    await place.remove();
  });
  return {
    ...efms,
    pid: child.pid!,
    output: () => printed,
    kill: async () => {
      await end('SIGKILL');
    },
    terminate: () => end('SIGTERM'),
  };
}

interface Place {
  readonly env: Record<string, string>;
  readonly database: TestDatabase;
  readonly dataDir: string;
  remove(): Promise<void>;
}

async function prepare(options: EfmsOptions): Promise<Place> {
  const database = options.database ?? (await createTestDatabase());
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-data-'));
  const env = {
    DATABASE_URL: database.appUrl,
    DATABASE_SYSTEM_URL: database.systemUrl,
    EFMS_DATA_DIR: dataDir,
    EFMS_HTTP_PORT: String(options.ports?.http ?? 0),
    EFMS_XDS_PORT: String(options.ports?.xds ?? 0),
    EFMS_JWT_SECRET: 'only-for-tests-only-for-tests-only',
    EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
    EFMS_ADMIN_EMAIL: ADMIN.email,
    EFMS_ADMIN_PASSWORD: ADMIN.password,
    // Clients of tests keep answers back to the end.
    EFMS_XDS_DRAIN_MS: '300',
    EFMS_LOG_LEVEL: process.env['EFMS_TEST_LOG_LEVEL'] ?? 'warn',
    ...options.env,
  };
  return {
    env,
    database,
    dataDir,
    async remove() {
      rmSync(dataDir, { recursive: true, force: true });
      if (!options.database) await database.drop();
    },
  };
}

async function client(http: string, xdsPort: number, place: Place, stop: () => Promise<void>): Promise<Efms> {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> => {
    const response = await fetch(`${http}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined
          ? {}
          : { 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    };
  };
  const login = await call('POST', '/auth/login', ADMIN);
  const adminToken: string = login.body.accessToken;
  return {
    http,
    xdsPort,
    database: place.database,
    dataDir: place.dataDir,
    adminToken,
    api: (method, path, body, headers) =>
      call(method, path, body, { authorization: `Bearer ${adminToken}`, ...headers }),
    stop,
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;
