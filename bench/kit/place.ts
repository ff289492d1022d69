import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { asRole, onDatabase } from '../../src/common/database/roles.ts';
import { startCluster } from '../../test/kit/cluster.ts';
import { end, keep, onSignals } from './children.ts';
import { postmasterOf } from './cpu.ts';

const ADMIN = { email: 'admin@efms.local', password: 'correct-horse-battery' };
/** Where this repository is. */
export const HERE = fileURLToPath(new URL('../../', import.meta.url));

/** A PostgreSQL with a fresh database of EFMS, as durable as it is in production. */
export interface Place {
  /** As `efms_app`, which sees no row without a tenant. */
  readonly appUrl: string;
  /** As a superuser. */
  readonly adminUrl: string;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined where PostgreSQL runs on another machine. */
  readonly postmaster: number | undefined;
  remove(): Promise<void>;
}

/** Makes one, which is removed as well when this process is told to end. */
export async function makePlace(): Promise<Place> {
  const cluster = await startCluster({ durable: true });
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'efms-bench-'));
  const url = (role: 'efms_app' | 'efms_system'): string =>
    asRole(onDatabase(cluster.adminUrl, cluster.database), role, cluster.passwords[role]);
  const clear = async (): Promise<void> => {
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  let removed: Promise<void> | undefined;
  const remove = (): Promise<void> => (removed ??= clear());
  onSignals(remove);
  return {
    appUrl: url('efms_app'),
    adminUrl: onDatabase(cluster.adminUrl, cluster.database),
    env: {
      DATABASE_URL: url('efms_app'),
      DATABASE_SYSTEM_URL: url('efms_system'),
      EFMS_DATA_DIR: dataDir,
      EFMS_HTTP_PORT: '0',
      EFMS_XDS_PORT: '0',
      EFMS_JWT_SECRET: 'only-for-benches-only-for-benches',
      EFMS_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
      EFMS_ADMIN_EMAIL: ADMIN.email,
      EFMS_ADMIN_PASSWORD: ADMIN.password,
    },
    postmaster: await findPostmaster(cluster.adminUrl),
    remove,
  };
}

async function findPostmaster(adminUrl: string): Promise<number | undefined> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return postmasterOf(rows[0]?.pid ?? 0);
  } finally {
    await client.end();
  }
}

export interface StartOptions {
  /** Of the repository whose `dist/main.js` it is; this one unless told. */
  readonly root?: string;
  /** Go to Node in front of the program. */
  readonly nodeOptions?: readonly string[];
  /** Settings beside those that all have. */
  readonly settings?: Readonly<Record<string, string>>;
}

interface CallOptions {
  readonly body?: unknown;
  /** The credential; that of the platform admin unless told. */
  readonly as?: string;
}

/** What `npm start` of a checkout gives to Node. */
export function optionsOfStart(root: string): string[] {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  const { scripts } = JSON.parse(text) as { readonly scripts: { readonly start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}

/** A built EFMS that runs as a process of its own, with the settings that it has by itself. */
export class Efms {
  readonly port: number;
  readonly xdsPort: number;
  readonly pid: number;
  private readonly child: ChildProcess;
  private token = '';

  private constructor(child: ChildProcess, { api, xds }: { readonly api: number; readonly xds: number }) {
    this.child = child;
    this.port = api;
    this.xdsPort = xds;
    this.pid = child.pid ?? 0;
  }

  /** Starts the program and logs in. */
  static async start(place: Place, { root = HERE, nodeOptions = [], settings = {} }: StartOptions = {}): Promise<Efms> {
    const program = path.join(root, 'dist/main.js');
    const child = keep(
      spawn(process.execPath, [...optionsOfStart(root), ...nodeOptions, program], {
        // There is no other replica to which its streams could be handed over, and some clients never answer.
        env: { PATH: process.env['PATH'], ...place.env, EFMS_XDS_DRAIN_MS: '300', ...settings },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    let printed = '';
    const ports = await new Promise<{ api: number; xds: number }>((resolve, reject) => {
      const listen = (chunk: Buffer): void => {
        printed = (printed + chunk.toString()).slice(-20_000);
        const found = /^ {2}API {6}http:\/\/[^/]+:(\d+)\/[\s\S]*^ {2}xDS {6}\S+:(\d+)/m.exec(printed);
        if (found) resolve({ api: Number(found[1]), xds: Number(found[2]) });
      };
      child.stdout.on('data', listen);
      child.stderr.on('data', listen);
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`EFMS ended before it was ready:\n${printed}`)));
    });
    const efms = new Efms(child, ports);
    efms.token = await logIn(`http://127.0.0.1:${efms.port}`);
    return efms;
  }

  /** Calls the API; anything but success throws. */
  call<T>(method: string, target: string, { body, as = this.token }: CallOptions = {}): Promise<T> {
    return callApi<T>(`http://127.0.0.1:${this.port}`, method, target, { body, as });
  }

  stop(): Promise<void> {
    return end(this.child);
  }
}

/** Calls the API of an EFMS that is there already; anything but success throws. */
export async function callApi<T>(
  origin: string,
  method: string,
  target: string,
  { body, as = '' }: CallOptions = {},
): Promise<T> {
  const response = await fetch(`${origin}/api/v1${target}`, {
    method,
    headers: {
      ...(as === '' ? {} : { authorization: `Bearer ${as}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${target} answered ${response.status}: ${text.slice(0, 500)}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Logs in as the platform admin that `makePlace` provides for. @returns the access token */
export async function logIn(origin: string): Promise<string> {
  return (await callApi<{ accessToken: string }>(origin, 'POST', '/auth/login', { body: ADMIN })).accessToken;
}
