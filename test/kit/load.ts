import http from 'node:http';
import { eventually } from './eventually.js';

/** What came of the requests that have ended. */
export interface LoadResult {
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  /** The first few failures in words. */
  readonly failures: readonly string[];
  /** Answers by upstream, which says its name in the body. */
  readonly byUpstream: ReadonlyMap<string, number>;
}

/** Requests at a constant rate until stopped. */
export interface Load {
  readonly result: LoadResult;
  /** Sends no more, waits for what is under way, and answers the count. */
  stop(): Promise<LoadResult>;
}

/**
 * Sends `rate` GET requests a second to a port of this machine over kept-alive connections, and counts. Everything but a 200 within
 * 10 s is a failure. The rate holds over time: after a stall it catches up. It stops by itself after `maxSeconds`, so that a test that
 * forgot it leaves nothing behind.
 */
export function startLoad(options: { port: number; path?: string; rate?: number; maxSeconds?: number }): Load {
  const load = new ConstantLoad(options.port, options.path ?? '/', options.rate ?? 100, options.maxSeconds ?? 120);
  load.start();
  return load;
}

class ConstantLoad implements Load {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
  private readonly pending = new Set<Promise<void>>();
  private readonly byUpstream = new Map<string, number>();
  private readonly failures: string[] = [];
  private sent = 0;
  private ok = 0;
  private failed = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly port: number,
    private readonly path: string,
    private readonly rate: number,
    private readonly maxSeconds: number,
  ) {}

  get result(): LoadResult {
    const { sent, ok, failed } = this;
    return { sent, ok, failed, failures: [...this.failures], byUpstream: new Map(this.byUpstream) };
  }

  start(): void {
    const began = performance.now();
    const most = this.rate * this.maxSeconds;
    this.timer = setInterval(() => {
      const due = Math.min(most, Math.floor(((performance.now() - began) / 1000) * this.rate));
      while (this.sent < due) this.send();
      if (this.sent >= most) clearInterval(this.timer);
    }, 10);
  }

  async stop(): Promise<LoadResult> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
    this.agent.destroy();
    return this.result;
  }

  private send(): void {
    this.sent += 1;
    const done = this.request().then(
      (upstream) => {
        this.ok += 1;
        this.byUpstream.set(upstream, (this.byUpstream.get(upstream) ?? 0) + 1);
      },
      (error: unknown) => {
        this.failed += 1;
        if (this.failures.length < 20) this.failures.push(error instanceof Error ? error.message : String(error));
      },
    );
    const tracked = done.finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }

  private request(): Promise<string> {
    return fetchText({ port: this.port, path: this.path, agent: this.agent });
  }
}

/** One GET to a port of this machine: the body of a 200, anything else throws. */
export function fetchText(options: { port: number; path?: string; agent?: http.Agent | false }): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: '127.0.0.1', agent: false, path: '/', timeout: 10_000, ...options },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (body += part));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`status ${response.statusCode ?? 'unknown'}: ${body.slice(0, 200)}`));
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
    request.on('error', reject);
  });
}

/**
 * Waits until a port answers with the name of an upstream. A change reaches Envoy's worker threads a moment after Envoy has
 * acknowledged it.
 */
export async function untilAnsweredBy(upstream: string, port: number): Promise<void> {
  await eventually(`an answer of ${upstream}`, async () =>
    (await fetchText({ port })) === upstream ? true : undefined,
  );
}
