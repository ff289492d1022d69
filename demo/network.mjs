import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** The first port of this machine, from the given one on, that nothing listens on. */
export async function freePortFrom(first) {
  for (let port = first; port < first + 100; port++) if (await isFree(port)) return port;
  throw new Error(`no free port from ${first} to ${first + 99}`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** A service that answers every request with its name. */
export async function startUpstream(name) {
  const server = http.createServer((request, response) => response.end(`${name}\n`));
  // Envoy keeps its connections; closing idle ones under it would cost a request now and then.
  server.keepAliveTimeout = 0;
  server.listen(await freePortFrom(10_100), '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    port: server.address().port,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Who answered `count` requests: how many by each name. A request that fails throws. */
export async function ask(url, count) {
  const answers = {};
  for (let request = 0; request < count; request++) {
    const response = await globalThis.fetch(url);
    const text = (await response.text()).trim();
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
    answers[text] = (answers[text] ?? 0) + 1;
  }
  return answers;
}

/** Looks until there is something to see. A look that throws is one that saw nothing. */
export async function until(what, look, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  let last = '';
  while (Date.now() < deadline) {
    try {
      const seen = await look();
      if (seen) return seen;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = `: ${error.message}`;
    }
    await pause(100);
  }
  throw new Error(`${what} did not come within ${seconds} s${last}`);
}

/** Says that looking on is of no use. */
export class Hopeless extends Error {}
