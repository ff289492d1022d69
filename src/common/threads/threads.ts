import { Worker } from 'node:worker_threads';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { memoryLimits } from './memory-limits.js';
import { THREAD_ENTRY } from './thread-entry.js';
import type { Answer, Order, ThreadTask } from './thread-task.js';
import { threadProblems } from './threads.errors.js';

export interface ThreadSettings {
  /** Most threads at a time; they are started when they are needed. */
  readonly size: number;
  /** The longest that one task may take. */
  readonly timeLimitMs?: number;
  /** The most memory that JavaScript may take in one thread. */
  readonly memoryLimitMb?: number;
  /** Tasks that may wait for a thread; what comes beyond is refused. */
  readonly maxWaiting?: number;
  /** How long tasks that run are waited for when the process is to end. */
  readonly graceMs?: number;
}

const DEFAULTS = { timeLimitMs: 30_000, memoryLimitMb: 1024, maxWaiting: 16, graceMs: 5_000 };
const RETRY_AFTER_S = 2;

interface Job {
  readonly order: Order;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A few threads for work that would hold the event loop (ADR 0017). Each does one task at a time, the others wait in the order in which
 * they came. A thread that dies, or takes too long or too much memory, loses its task alone and is replaced when the next comes.
 */
@Injectable()
export class Threads implements BeforeApplicationShutdown {
  private readonly settings: Required<ThreadSettings>;
  private readonly first: Order[] = [];
  private readonly all = new Set<Thread>();
  private readonly idle: Thread[] = [];
  private readonly waiting: Job[] = [];
  private isClosing = false;

  constructor(settings: ThreadSettings) {
    this.settings = { ...DEFAULTS, ...settings };
  }

  /** Threads that are there, and tasks that wait for one. */
  get load(): { readonly threads: number; readonly waiting: number } {
    return { threads: this.all.size, waiting: this.waiting.length };
  }

  /** Every thread does this when it starts, for instance to load what tasks need. */
  prepareWith<Input>(task: ThreadTask<Input, unknown>, input: Input): void {
    this.first.push({ file: task.file.href, input });
  }

  /** Starts a first thread, so that nobody waits for it later. */
  warm(): void {
    if (this.all.size === 0 && !this.isClosing) this.idle.push(this.start());
  }

  /**
   * @returns what the task answers
   * @throws ProblemError 422 for a task that takes too long or too much memory, 503 where too many wait or the process ends, 500 for a
   *   thread that died; Error for what the task threw
   */
  run<Input, Value>(task: ThreadTask<Input, Value>, input: Input): Promise<Value> {
    if (this.isClosing) return Promise.reject(stopping());
    if (this.waiting.length >= this.settings.maxWaiting) {
      const detail = 'Other large documents are read before this one. Send it again in a moment.';
      return Promise.reject(threadProblems.documentsWait({ detail, retryAfter: RETRY_AFTER_S }));
    }
    return new Promise((resolve, reject) => {
      const order = { file: task.file.href, input };
      this.waiting.push({ order, resolve: resolve as (value: unknown) => void, reject });
      this.assign();
    });
  }

  /** Refuses what waits, lets what runs end within the grace, and ends all threads. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    for (const { reject } of this.waiting.splice(0)) reject(stopping());
    await Promise.all([...this.all].map((thread) => thread.end(this.settings.graceMs)));
  }

  private assign(): void {
    while (this.waiting.length > 0) {
      const thread = this.idle.pop() ?? (this.all.size < this.settings.size ? this.start() : undefined);
      const job = thread && this.waiting.shift();
      if (!job) return;
      thread.take(job);
    }
  }

  private start(): Thread {
    const thread = new Thread(this.settings, this.first, {
      onIdle: () => {
        this.idle.push(thread);
        this.assign();
      },
      onGone: () => {
        this.all.delete(thread);
        const at = this.idle.indexOf(thread);
        if (at >= 0) this.idle.splice(at, 1);
        this.assign();
      },
    });
    this.all.add(thread);
    return thread;
  }
}

/** One thread, with what it does now. */
class Thread {
  private readonly worker: Worker;
  private readonly gone: Promise<void>;
  private job: Job | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failure: Error | undefined;
  private onDone: () => void = () => undefined;

  constructor(
    private readonly settings: Required<ThreadSettings>,
    first: readonly Order[],
    private readonly tell: { readonly onIdle: () => void; readonly onGone: () => void },
  ) {
    const { memoryLimitMb } = settings;
    this.worker = new Worker(THREAD_ENTRY.file, {
      execArgv: [...THREAD_ENTRY.execArgv],
      workerData: { first },
      resourceLimits: memoryLimits(memoryLimitMb),
    });
    // A thread with nothing to do keeps no process alive.
    this.worker.unref();
    this.worker.on('message', (answer: Answer) => this.answered(answer));
    this.worker.on('error', (error: unknown) => (this.failure = failureOf(error, memoryLimitMb)));
    this.gone = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.finish()?.reject(this.failure ?? lost(new Error(`a thread ended with code ${code}`)));
        tell.onGone();
        resolve();
      });
    });
  }

  take(job: Job): void {
    this.job = job;
    this.worker.ref();
    const { timeLimitMs } = this.settings;
    this.timer = setTimeout(() => {
      const detail = `It is not read after ${timeLimitMs / 1000} s, which is as long as EFMS tries. Send less at once, and JSON rather than YAML.`;
      this.failure = threadProblems.documentTooCostly({ detail });
      void this.worker.terminate();
    }, timeLimitMs);
    this.worker.postMessage(job.order);
  }

  /** Once what it does is done, or the grace is over. */
  async end(graceMs: number): Promise<void> {
    if (this.job) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.onDone = resolve;
        timer = setTimeout(resolve, graceMs);
      });
      clearTimeout(timer);
      this.failure ??= stopping();
    }
    await this.worker.terminate();
    await this.gone;
  }

  private answered(answer: Answer): void {
    const job = this.finish();
    if ('thrown' in answer) job?.reject(new Error(`a task in a thread failed: ${answer.thrown}`));
    else job?.resolve(answer.value);
    this.worker.unref();
    this.tell.onIdle();
  }

  private finish(): Job | undefined {
    const { job } = this;
    this.job = undefined;
    clearTimeout(this.timer);
    this.onDone();
    return job;
  }
}

function failureOf(error: unknown, memoryLimitMb: number): Error {
  const { code } = error as { readonly code?: unknown };
  if (code !== 'ERR_WORKER_OUT_OF_MEMORY') return lost(error);
  const detail = `Reading it takes more than ${memoryLimitMb} MiB of memory. Send less at once.`;
  return threadProblems.documentTooCostly({ detail });
}

const lost = (cause: unknown): Error =>
  threadProblems.readingLost({ detail: 'Nothing was stored. Send it again; EFMS goes on with a new thread.', cause });

const stopping = (): Error =>
  threadProblems.documentsWait({ detail: 'This EFMS is about to end; another takes it.', retryAfter: RETRY_AFTER_S });
