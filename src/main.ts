import 'reflect-metadata';
import { loadConfig } from './common/config/config.js';
import { describeStartFailure } from './start/start-failure.js';
import { announce } from './start/announce.js';
import { startServer } from './start/server.js';

/** When what comes with a start is over: proxies that reconnect are not to wait for it. */
const WARM_AFTER_MS = 3_000;

try {
  const config = loadConfig();
  const server = await startServer(config);
  announce(server);
  setTimeout(() => server.warm(), WARM_AFTER_MS).unref();
  // Only where there are files to read again: a terminal that closes sends the same signal, and then EFMS is to end.
  if (config.tlsFiles) process.on('SIGHUP', () => void server.refreshCertificates());
  let stopping = false;
  // Not Nest's shutdown hooks: they raise the signal again and would leave the embedded database behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait for proxies.
      if (stopping) return server.cutStreams();
      stopping = true;
      void server.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
} catch (error) {
  process.stderr.write(`efms: ${describeStartFailure(error)}\n`);
  process.exit(1);
}
