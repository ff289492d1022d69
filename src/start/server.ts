import type { AddressInfo } from 'node:net';
import { SystemClock } from '../common/clock/clock.js';
import type { Config } from '../common/config/config.js';
import { FirstPassword } from '../common/crypto/first-password.js';
import { loadKeys } from '../common/crypto/key-files.js';
import { AppLogger } from '../common/logging/app-logger.js';
import { Database } from '../common/database/database.js';
import { migrate } from '../common/database/migrations.js';
import { SchemaOwner } from '../common/database/schema-owner.js';
import { Threads } from '../common/threads/threads.js';
import { Tls } from '../common/tls/tls.js';
import { XdsAddress } from '../infrastructure/index.js';
import { FirstStart, type FirstStartResult } from '../tenancy/index.js';
import { CannotListen, Drain, XdsServer } from '../xds/index.js';
import { createApp } from './create-app.js';
import { makeDataDir } from './data-dir.js';
import { openDatabaseSource } from './database-source.js';
import { ENTITIES } from './entities.js';

/** A process that serves, and how to end it. */
export interface RunningServer {
  readonly httpUrl: string;
  /** `host:port` that Envoys connect to. */
  readonly xdsAddress: string;
  readonly xdsTls: Config['xds']['tls'];
  readonly firstStart: FirstStartResult;
  /** Where the generated password of the first start is kept until it is changed. */
  readonly passwordFile: string;
  readonly startedInMs: number;
  /** Takes replaced certificate files at once; otherwise they are noticed within seconds. */
  refreshCertificates(): Promise<void>;
  /** Makes ready what is needed for large documents, which takes a while and keeps nobody waiting. */
  warm(): void;
  /** Hands streams over to other replicas, writes what is pending, closes the ports and stops the embedded database. */
  stop(): Promise<void>;
  /** Has `stop()` wait for no stream any more. */
  cutStreams(): void;
}

/**
 * Brings up everything in the order in which it depends on each other: keys, database, schema, application, ports.
 * What was started is stopped again when a later step fails.
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const began = performance.now();
  makeDataDir(config.dataDir);
  const keys = loadKeys(config);
  const source = await openDatabaseSource(config);
  let close = (): Promise<void> => source.stop();
  try {
    if (config.migrateOnStart && source.ownerUrl !== undefined) await migrate({ ownerUrl: source.ownerUrl });
    const database = await Database.open({ ...source, poolSize: config.databasePoolSize, entities: ENTITIES });
    close = async () => {
      await database.close();
      await source.stop();
    };
    const tls = await Tls.open({ config, masterKey: keys.masterKey, database, clock: new SystemClock() });
    const app = await createApp({ config, keys, database, tls, owner: new SchemaOwner(source.ownerUrl) });
    close = async () => {
      await app.close();
      await source.stop();
    };
    app.useLogger(app.get(AppLogger));
    const drain = app.get(Drain);
    const firstPassword = app.get(FirstPassword);
    const keepPassword = (password: string): void => firstPassword.keep(password);
    const firstStart = await app.get(FirstStart).ensure({ ...config.admin, keepPassword });
    await app.startAllMicroservices();
    app.get(XdsAddress).listensOn(app.get(XdsServer).address.port);
    await app.listen(config.http.port, config.http.host).catch((error: unknown) => {
      throw new CannotListen(`Cannot listen for HTTP on ${config.http.host}:${config.http.port}: ${reasonOf(error)}.`, {
        cause: error,
      });
    });
    return {
      httpUrl: await app.getUrl(),
      xdsAddress: addressText(app.get(XdsServer).address),
      xdsTls: config.xds.tls,
      firstStart,
      passwordFile: firstPassword.file,
      startedInMs: performance.now() - began,
      refreshCertificates: () => tls.refresh(),
      warm: () => app.get(Threads).warm(),
      stop: async () => {
        await drain.run();
        await close();
      },
      cutStreams: () => drain.cut(),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const addressText = ({ family, address, port }: AddressInfo): string =>
  family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
