import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { StartOptions } from '../kit/place.ts';

/** How long the event loop made others wait, in milliseconds. */
export interface LoopDelay {
  readonly p99: number;
  readonly max: number;
  /** The longest that the thread itself worked from one turn of a timer to the next. */
  readonly worked: number;
}

/** Watches the event loop of one EFMS from inside it. */
export class LoopProbe {
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), 'efms-loop-'));
  private readonly socket = path.join(this.folder, 'probe');

  /** What EFMS is started with to be watched. */
  get startOptions(): Required<Pick<StartOptions, 'nodeOptions' | 'settings'>> {
    return {
      nodeOptions: ['--import', fileURLToPath(new URL('./probe.mjs', import.meta.url))],
      settings: { LOOP_PROBE_SOCKET: this.socket },
    };
  }

  /** Since it was last asked. */
  async read(): Promise<LoopDelay> {
    return JSON.parse(await text(net.connect(this.socket))) as LoopDelay;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
