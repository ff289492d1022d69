import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../test/kit/ports.ts';
import { end, keep } from '../kit/children.ts';
import { cpuOf, memoryOf } from '../kit/cpu.ts';
import type { Address } from './client/dial.ts';
import type { Change, Snapshot } from './documents.ts';
import type { Side } from './side.ts';

const SOURCE = fileURLToPath(new URL('../peers/go-control-plane', import.meta.url));
const BINARY = fileURLToPath(new URL('../../.cache/peers/go-control-plane', import.meta.url));
const READY_MS = 10_000;

/** Whether there is a Go to build it with. */
export function hasGo(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Builds the peer; the first time takes minutes, and Go's module proxy. */
export async function buildPeer(): Promise<void> {
  await promisify(execFile)('go', ['build', '-o', BINARY, '.'], { cwd: SOURCE });
}

/** go-control-plane's SnapshotCache with one snapshot for all nodes (`bench/peers/go-control-plane`). */
export class PeerSide implements Side {
  readonly name = 'go-control-plane';
  readonly address: Address;
  readonly proxies: Side['proxies'];
  private readonly child: ChildProcess;
  private readonly control: string;
  private readonly changes: Change[] = [];

  private constructor(child: ChildProcess, ports: { readonly ads: number; readonly control: number }, streams: number) {
    this.child = child;
    this.address = { port: ports.ads };
    this.control = `http://127.0.0.1:${ports.control}`;
    this.proxies = Array.from({ length: streams }, (_, i) => ({ nodeId: `node-${i + 1}`, token: '' }));
  }

  /** Starts the built one. */
  static async start({ streams, snapshot }: { streams: number; snapshot: Snapshot }): Promise<PeerSide> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'efms-peer-'));
    try {
      const file = path.join(folder, 'snapshot.json');
      writeFileSync(file, JSON.stringify({ clusters: snapshot.clusters }));
      const ports = { ads: await freePort(), control: await freePort() };
      const addresses = ['-addr', `127.0.0.1:${ports.ads}`, '-control', `127.0.0.1:${ports.control}`];
      const child = keep(spawn(BINARY, [...addresses, '-snapshot', file], { stdio: 'ignore' }));
      const side = new PeerSide(child, ports, streams);
      await side.ready();
      return side;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async prepare(changes: readonly Change[]): Promise<void> {
    this.changes.push(...changes);
    await Promise.resolve();
  }

  async push(): Promise<number> {
    const change = this.changes.shift();
    if (change === undefined) throw new Error('nothing is prepared');
    const response = await fetch(`${this.control}/push?change=${change}`, { method: 'POST' });
    const { start_ns } = (await response.json()) as { start_ns: number };
    return start_ns / 1e6;
  }

  cpu(): number {
    return cpuOf(this.child.pid ?? 0);
  }

  refusals(): Promise<Readonly<Record<string, number>>> {
    return Promise.resolve({});
  }

  memory(): number {
    return memoryOf(this.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    await end(this.child);
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      await sleep(50);
      try {
        await fetch(`${this.control}/usage`);
        return;
      } catch (error) {
        if (Date.now() > deadline || this.child.exitCode !== null) throw error;
      }
    }
  }
}
