import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/kit/ports.ts';
import { keep } from '../kit/children.ts';
import { HERE, optionsOfStart, type Place } from '../kit/place.ts';
import { DatabaseRelay } from './faults/database-relay.ts';

const PATIENCE_MS = 120_000;

/** One EFMS of several on one database, behind a relay of its own; it can be killed and comes back at the same ports. */
export class Replica {
  readonly number: number;
  readonly xdsPort: number;
  readonly relay: DatabaseRelay;
  /** What all of its processes printed. */
  readonly log: string;
  private readonly httpPort: number;
  private readonly env: Readonly<Record<string, string>>;
  /** How processes ended that nobody ended. */
  readonly deaths: string[] = [];
  private child: ChildProcess | undefined;
  private isServing = false;

  private constructor(
    number: number,
    { place, folder, relay, ports }: { place: Place; folder: string; relay: DatabaseRelay; ports: [number, number] },
  ) {
    this.number = number;
    this.relay = relay;
    [this.httpPort, this.xdsPort] = ports;
    this.log = path.join(folder, `replica-${number}.log`);
    const dataDir = path.join(folder, `replica-${number}`);
    mkdirSync(dataDir, { recursive: true });
    const url = (name: string): string => relay.through(place.env[name] ?? '');
    this.env = {
      ...place.env,
      DATABASE_URL: url('DATABASE_URL'),
      DATABASE_SYSTEM_URL: url('DATABASE_SYSTEM_URL'),
      EFMS_DATA_DIR: dataDir,
      EFMS_HTTP_PORT: String(this.httpPort),
      EFMS_XDS_PORT: String(this.xdsPort),
    };
  }

  /** @param folder for its data and its log */
  static async make(number: number, place: Place, folder: string): Promise<Replica> {
    const relay = await DatabaseRelay.start(place.appUrl);
    return new Replica(number, { place, folder, relay, ports: [await freePort(), await freePort()] });
  }

  get isUp(): boolean {
    return this.isServing;
  }

  get http(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }

  /** Starts it, as often as it takes while its database is away, and resolves once it serves. */
  async start(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    let child = this.spawn();
    while (!(await this.answers())) {
      if (Date.now() > deadline) throw new Error(`replica ${this.number} does not come up: see ${this.log}`);
      if (child.exitCode !== null) child = this.spawn();
      await sleep(100);
    }
    this.isServing = true;
  }

  /** Sends its process the signal, and resolves when that is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.isServing = false;
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  private spawn(): ChildProcess {
    const output = openSync(this.log, 'a');
    const child = keep(
      spawn(process.execPath, [...optionsOfStart(HERE), path.join(HERE, 'dist/main.js')], {
        env: { PATH: process.env['PATH'], ...this.env },
        stdio: ['ignore', output, output],
      }),
    );
    closeSync(output);
    child.once('exit', (code, signal) => {
      if (this.isServing)
        this.deaths.push(`replica ${this.number} ended with ${code ?? signal ?? 'nothing'}: see ${this.log}`);
      this.isServing = false;
    });
    this.child = child;
    return child;
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.http}/health/live`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }
}
