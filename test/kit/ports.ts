import net from 'node:net';

const LOWEST = 20_000;
const HIGHEST = 31_999;
const given = new Set<number>();

/**
 * A port on loopback that nothing listens on, below the range that the kernel gives to outgoing connections, so that none of those
 * takes it between now and its use. No test file is given the same one twice; parallel workers draw from parts of their own.
 */
export async function freePort(): Promise<number> {
  const workers = 8;
  const worker = (Number(process.env['JEST_WORKER_ID'] ?? '1') - 1) % workers;
  const share = Math.floor((HIGHEST - LOWEST) / workers);
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + worker * share + Math.floor(Math.random() * share);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port from ${LOWEST} to ${HIGHEST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
