import { readFileSync } from 'node:fs';
import path from 'node:path';
import { usualThreads } from '../threads/usual-threads.js';

/** Settings of one EFMS process, read once at start. Durations are milliseconds, sizes bytes. */
export interface Config {
  readonly http: { readonly host: string; readonly port: number };
  /** HTTP speaks TLS with them, and plaintext without. */
  readonly tlsFiles?: TlsFiles;
  readonly xds: {
    readonly host: string;
    readonly port: number;
    /** Plaintext, or the certificate of `tlsFiles`, or one of the internal CA. */
    readonly tls: 'off' | 'files' | 'internal';
    /** `host:port` that rendered bootstraps tell proxies to connect to. */
    readonly publicAddress: { readonly host: string; readonly port: number };
    readonly headsScanInterval: number;
    /** How responses are written: without a copy for each stream where grpc-js allows it, or by its public API alone. */
    readonly writer: XdsWriter;
    readonly descriptorFiles: readonly string[];
    /** What this replica takes on at most. Streams wait from their beginning until they are served. */
    readonly limits: {
      readonly streams: number;
      readonly connections: number;
      readonly waitingStreams: number;
      readonly loopDelay: number;
    };
    /** After about how long streams end, so that proxies spread over the replicas again; 0: never. */
    readonly streamAge: number;
    /** How long the end of the process waits at most for streams that are in the middle of something. */
    readonly drainTime: number;
  };
  readonly metrics: {
    /** How often proxies are asked to report their load. */
    readonly lrsInterval: number;
    /** Envoy's metrics service, by which proxies tell how long requests take; and how much of it is read at most. */
    readonly sink: { readonly isOn: boolean; readonly messagesPerSecond: number; readonly bytesPerSecond: number };
    /** For how many days traffic is kept by the minute, and by the hour. */
    readonly retentionDays: number;
    readonly hourlyRetentionDays: number;
  };
  /** Most threads that read large documents at a time. */
  readonly threads: number;
  readonly dataDir: string;
  /** Absent: the embedded PostgreSQL is started under `dataDir`. */
  readonly database?: { readonly app: string; readonly system: string; readonly owner?: string };
  readonly databasePoolSize: number;
  /** Run pending migrations at start. Off where `efms db migrate` is a step of the deployment. */
  readonly migrateOnStart: boolean;
  readonly logLevel: LogLevel;
  readonly admin: { readonly email: string; readonly password?: string };
  /** Signs access tokens; at least 32 bytes. Generated under `dataDir` with the embedded database. */
  readonly jwtSecret?: string;
  /** Wraps the data keys of tenants; 32 bytes in base64. Generated under `dataDir` with the embedded database. */
  readonly masterKey?: string;
  /** 32 bytes in base64 each: master keys of before, which open what they sealed and seal nothing more. */
  readonly acceptedMasterKeys: readonly string[];
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** The CAs that rendered bootstraps pin, where they are not part of the chain. */
  readonly authority?: string;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const XDS_WRITERS = ['preframed', 'public'] as const;
export type XdsWriter = (typeof XDS_WRITERS)[number];

/** Every problem found in the environment, so that one start tells all of them. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Collects values and problems; each reader gives a harmless value after a problem so that all are found in one pass. */
class Reader {
  readonly problems: string[] = [];
  private readonly known = new Set<string>();

  constructor(private readonly env: Environment) {}

  text(name: string): string | undefined;
  text(name: string, fallback: string): string;
  text(name: string, fallback?: string): string | undefined {
    this.known.add(name);
    const value = this.env[name];
    return value === undefined || value === '' ? fallback : value;
  }

  /** `NAME`, or the content of the file that `NAME_FILE` names. */
  secret(name: string, check?: (value: string) => string | undefined): string | undefined {
    const direct = this.text(name);
    const file = this.text(`${name}_FILE`);
    if (direct !== undefined && file !== undefined) this.problems.push(`give ${name} or ${name}_FILE, not both`);
    let value = direct;
    if (value === undefined && file !== undefined) {
      try {
        value = readFileSync(file, 'utf8').trim();
      } catch (error) {
        this.problems.push(
          `${name}_FILE: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    const problem = value === undefined ? undefined : check?.(value);
    if (problem !== undefined) this.problems.push(`${name}: ${problem}`);
    return value;
  }

  integer(name: string, fallback: number, bounds: { min: number; max: number }): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    if (value >= bounds.min && value <= bounds.max) return value;
    this.problems.push(`${name}: expected an integer from ${bounds.min} to ${bounds.max}, got "${text}"`);
    return fallback;
  }

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) this.problems.push(`${name}: expected one of ${choices.join(', ')}, got "${text}"`);
    return found ?? fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    return this.choice(name, fallback ? '1' : '0', ['1', '0', 'true', 'false'] as const).match(/^(1|true)$/) !== null;
  }

  postgresUrl(name: string): string | undefined {
    return this.secret(name, (value) =>
      /^postgres(ql)?:\/\//.test(value) && URL.canParse(value)
        ? undefined
        : 'expected a URL like postgresql://user:password@host:5432/efms',
    );
  }

  /** Names with the prefix that nothing read: most likely a typing mistake, and silence would hide it. */
  unknown(prefix: string): string[] {
    return Object.keys(this.env).filter((name) => name.startsWith(prefix) && !this.known.has(name));
  }
}

/**
 * Reads and checks the settings. Every problem is reported at once.
 * @throws ConfigError naming each variable that is wrong, missing beside another, or unknown
 */
export function loadConfig(env: Environment = process.env): Config {
  const read = new Reader(env);
  const http = { host: readHost(read, 'EFMS_HTTP_HOST'), port: read.integer('EFMS_HTTP_PORT', 8080, PORT) };
  const xds = { host: readHost(read, 'EFMS_XDS_HOST'), port: read.integer('EFMS_XDS_PORT', 18000, PORT) };
  const tlsFiles = readTlsFiles(read);
  const plaintext = read.flag('EFMS_ALLOW_PLAINTEXT', false);
  requireTls(read, http.host, { tlsFiles, plaintext });
  const database = readDatabase(read);
  const config: Config = {
    http,
    ...optional('tlsFiles', tlsFiles),
    xds: {
      ...xds,
      tls: readXdsTls(read, xds.host, { tlsFiles, plaintext }),
      publicAddress: readAddress(read, 'EFMS_XDS_PUBLIC_ADDRESS', xds),
      headsScanInterval: read.integer('EFMS_HEADS_SCAN_INTERVAL_MS', 1000, { min: 50, max: 60_000 }),
      writer: read.choice('EFMS_XDS_WRITER', 'preframed', XDS_WRITERS),
      descriptorFiles: read
        .text('EFMS_ENVOY_DESCRIPTOR_FILES', '')
        .split(',')
        .filter((file) => file !== ''),
      ...readXdsLoad(read),
    },
    metrics: {
      lrsInterval: read.integer('EFMS_LRS_INTERVAL_MS', 10_000, { min: 1000, max: 300_000 }),
      sink: {
        isOn: read.flag('EFMS_METRICS_SERVICE', false),
        messagesPerSecond: read.integer('EFMS_METRICS_MESSAGES_PER_SECOND', 200, { min: 1, max: 100_000 }),
        bytesPerSecond: read.integer('EFMS_METRICS_BYTES_PER_SECOND', 16_777_216, { min: 1024, max: 1_073_741_824 }),
      },
      retentionDays: read.integer('EFMS_METRICS_RETENTION_DAYS', 7, { min: 1, max: 90 }),
      hourlyRetentionDays: read.integer('EFMS_METRICS_HOURLY_RETENTION_DAYS', 90, { min: 1, max: 730 }),
    },
    threads: read.integer('EFMS_THREADS', usualThreads(), { min: 1, max: 64 }),
    dataDir: path.resolve(read.text('EFMS_DATA_DIR', '.data')),
    ...optional('database', database),
    databasePoolSize: read.integer('EFMS_DATABASE_POOL_SIZE', 10, { min: 2, max: 500 }),
    migrateOnStart: read.flag('EFMS_MIGRATE_ON_START', true),
    logLevel: read.choice('EFMS_LOG_LEVEL', 'info', LOG_LEVELS),
    admin: {
      email: read.text('EFMS_ADMIN_EMAIL', 'admin@efms.local'),
      ...optional('password', read.secret('EFMS_ADMIN_PASSWORD', atLeast(12, 'characters'))),
    },
    ...readKeys(read, database !== undefined),
  };
  for (const name of read.unknown('EFMS_')) read.problems.push(`${name}: no such setting`);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/** Below it proxies would do little else than connect. */
const MIN_STREAM_AGE = 5_000;

const PORT = { min: 0, max: 65535 };

const atLeast =
  (length: number, unit: string) =>
  (value: string): string | undefined =>
    value.length >= length ? undefined : `expected at least ${length} ${unit}`;

function readHost(read: Reader, name: string): string {
  return read.text(name, '127.0.0.1');
}

function readTlsFiles(read: Reader): TlsFiles | undefined {
  const certificate = read.text('EFMS_TLS_CERT');
  const key = read.text('EFMS_TLS_KEY');
  const authority = read.text('EFMS_TLS_CA');
  if (certificate !== undefined && key !== undefined) {
    return { certificate, key, ...optional('authority', authority) };
  }
  if (certificate !== undefined) read.problems.push('EFMS_TLS_KEY: needed beside EFMS_TLS_CERT');
  else if (key !== undefined) read.problems.push('EFMS_TLS_CERT: needed beside EFMS_TLS_KEY');
  else if (authority !== undefined) read.problems.push('EFMS_TLS_CA: needs EFMS_TLS_CERT and EFMS_TLS_KEY');
  return undefined;
}

interface Protection {
  readonly tlsFiles: TlsFiles | undefined;
  /** Allowed beyond loopback. */
  readonly plaintext: boolean;
}

function requireTls(read: Reader, host: string, { tlsFiles, plaintext }: Protection): void {
  if (isLoopback(host) || tlsFiles || plaintext) return;
  read.problems.push(
    `EFMS_HTTP_HOST: ${host} is not a loopback address: give EFMS_TLS_CERT and EFMS_TLS_KEY, or allow plaintext with EFMS_ALLOW_PLAINTEXT=1`,
  );
}

/** TLS wherever the port is not bound to loopback, unless plaintext is allowed there; the operator may choose otherwise. */
function readXdsTls(read: Reader, host: string, { tlsFiles, plaintext }: Protection): Config['xds']['tls'] {
  const choice = read.choice('EFMS_XDS_TLS', 'auto', ['auto', 'off', 'files', 'internal']);
  if (choice === 'files' && !tlsFiles) {
    read.problems.push('EFMS_XDS_TLS: files needs EFMS_TLS_CERT and EFMS_TLS_KEY');
  }
  if (choice === 'off' && !isLoopback(host) && !plaintext) {
    read.problems.push(
      `EFMS_XDS_TLS: off, but EFMS_XDS_HOST ${host} is not a loopback address; plaintext there needs EFMS_ALLOW_PLAINTEXT=1`,
    );
  }
  if (choice !== 'auto') return choice;
  if (isLoopback(host) || plaintext) return 'off';
  return tlsFiles ? 'files' : 'internal';
}

function readXdsLoad(read: Reader): Pick<Config['xds'], 'limits' | 'streamAge' | 'drainTime'> {
  const most = { min: 1, max: 1_000_000 };
  const streams = read.integer('EFMS_XDS_MAX_STREAMS', 25_000, most);
  const streamAge = read.integer('EFMS_XDS_STREAM_AGE_MS', 3_600_000, { min: 0, max: 604_800_000 });
  if (streamAge > 0 && streamAge < MIN_STREAM_AGE) {
    read.problems.push(`EFMS_XDS_STREAM_AGE_MS: expected 0, for never, or at least ${MIN_STREAM_AGE}`);
  }
  return {
    limits: {
      streams,
      connections: read.integer('EFMS_XDS_MAX_CONNECTIONS', Math.min(streams + 5_000, most.max), most),
      waitingStreams: read.integer('EFMS_XDS_MAX_WAITING_STREAMS', 2_000, most),
      loopDelay: read.integer('EFMS_XDS_MAX_LOOP_DELAY_MS', 1_000, { min: 10, max: 60_000 }),
    },
    streamAge,
    drainTime: read.integer('EFMS_XDS_DRAIN_MS', 15_000, { min: 0, max: 600_000 }),
  };
}

/** With a database of its own every replica must be given the same keys; with the embedded one they are generated. */
function readKeys(read: Reader, required: boolean): Pick<Config, 'jwtSecret' | 'masterKey' | 'acceptedMasterKeys'> {
  const jwtSecret = read.secret('EFMS_JWT_SECRET', atLeast(32, 'bytes'));
  const isKey = (value: string): boolean => Buffer.from(value, 'base64').length === 32;
  const masterKey = read.secret('EFMS_MASTER_KEY', (value) =>
    isKey(value) ? undefined : 'expected 32 bytes in base64',
  );
  const accepted = read.secret('EFMS_MASTER_KEYS_ACCEPTED', (value) =>
    value.split(',').every(isKey) ? undefined : 'expected 32 bytes in base64, or several with commas between them',
  );
  for (const [name, value] of Object.entries({ EFMS_JWT_SECRET: jwtSecret, EFMS_MASTER_KEY: masterKey })) {
    if (required && value === undefined)
      read.problems.push(`${name}: needed with DATABASE_URL, equal on every replica`);
  }
  return {
    ...optional('jwtSecret', jwtSecret),
    ...optional('masterKey', masterKey),
    acceptedMasterKeys: accepted?.split(',') ?? [],
  };
}

/** `{key: value}`, or nothing where the value is absent. */
function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, V>>);
}

function readDatabase(read: Reader): Config['database'] {
  const app = read.postgresUrl('DATABASE_URL');
  const system = read.postgresUrl('DATABASE_SYSTEM_URL');
  const owner = read.postgresUrl('DATABASE_OWNER_URL');
  if (app === undefined && system === undefined && owner === undefined) return undefined;
  if (app === undefined) read.problems.push('DATABASE_URL: needed beside DATABASE_SYSTEM_URL (role efms_app)');
  if (system === undefined) read.problems.push('DATABASE_SYSTEM_URL: needed beside DATABASE_URL (role efms_system)');
  return { app: app ?? '', system: system ?? '', ...(owner === undefined ? {} : { owner }) };
}

function readAddress(
  read: Reader,
  name: string,
  fallback: { host: string; port: number },
): { host: string; port: number } {
  const text = read.text(name);
  if (text === undefined) return fallback;
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? NaN);
  if (match?.[1] !== undefined && port >= 1 && port <= 65535 && URL.canParse(`http://${match[1]}`)) {
    // In the one form that certificates and Envoy know it by: lower case, IPv6 shortened.
    return { host: new URL(`http://${match[1]}`).hostname.replace(/^\[|\]$/g, ''), port };
  }
  read.problems.push(`${name}: expected host:port, got "${text}"`);
  return fallback;
}

/** True for addresses that never leave the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
