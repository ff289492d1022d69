import { ConfigError } from '../common/config/config.js';

/** One sentence that says why EFMS did not start and what to do; a stack only where the fault is ours. */
export function describeStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return `did not start: ${String(error)}`;
  if (error instanceof ConfigError) return error.message;
  const system = systemError(error);
  if (system?.code === 'EADDRINUSE') {
    return `port ${system.port ?? ''} is in use: stop what listens there, or choose others with EFMS_HTTP_PORT and EFMS_XDS_PORT`;
  }
  // An address that cannot be listened on is no database that cannot be reached, though the codes are the same.
  if (error.name === 'CannotListen') return error.message;
  if (system?.code === 'EACCES') return `not allowed: ${error.message}`;
  if (system !== undefined && UNREACHABLE.has(system.code)) {
    return `the database cannot be reached (${firstLine(error.message) || system.code}): check DATABASE_URL and that PostgreSQL runs`;
  }
  return EXPECTED.has(error.name) ? error.message : `did not start: ${error.stack ?? error.message}`;
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'ECONNRESET',
  '28P01',
  '28000',
  '3D000',
]);

/** Errors whose message already is the sentence. */
const EXPECTED = new Set([
  'EmbeddedPostgresError',
  'MigrationError',
  'UnsafeDatabase',
  'DatabaseUnavailable',
  'TlsRefused',
  'CannotVerify',
]);

interface SystemError {
  readonly code: string;
  readonly port?: number;
}

/** The system or PostgreSQL error inside, however deep it was wrapped. */
function systemError(error: unknown, depth = 0): SystemError | undefined {
  if (typeof error !== 'object' || error === null || depth > 5) return undefined;
  if ('code' in error && typeof error.code === 'string') {
    return 'port' in error && typeof error.port === 'number'
      ? { code: error.code, port: error.port }
      : { code: error.code };
  }
  if (error instanceof AggregateError) return systemError(error.errors[0], depth + 1);
  return 'cause' in error ? systemError(error.cause, depth + 1) : undefined;
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
