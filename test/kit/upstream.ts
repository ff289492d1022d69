import { once } from 'node:events';
import http from 'node:http';
import { freePort } from './ports.js';

/** A service behind Envoy that answers every request with its name. */
export interface Upstream {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

export async function startUpstream(name: string): Promise<Upstream> {
  const port = await freePort();
  const server = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/plain' }).end(name);
  });
  // Envoy keeps its connections for an hour. A server that closed idle ones would now and then do so under a request, and that
  // failure would be the upstream's, not the configuration's.
  server.keepAliveTimeout = 0;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    port,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
