import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { type ParseOptions, type DocumentOptions, type SchemaOptions, type ToJSOptions, parse } from 'yaml';
import { memoryLimits } from '../threads/memory-limits.js';
import { DocumentRefused } from './document-refused.js';

/** YAML 1.2 without merge keys; aliases are few, because each may stand for a tree of aliases ("billion laughs"). */
const OPTIONS: ParseOptions & DocumentOptions & SchemaOptions & ToJSOptions = {
  version: '1.2',
  merge: false,
  uniqueKeys: true,
  maxAliasCount: 50,
  logLevel: 'error',
};

/**
 * Texts up to this many characters are read at once, within some 30 ms whatever they hold. The library looks for duplicate keys in a
 * time that grows with their square, so longer ones are read in a thread.
 */
const INLINE_LENGTH = 8 * 1024;

/** Longer texts are not read; JSON may be of any length that the body may be. */
const MAX_LENGTH = 4 * 1024 * 1024;

/** After this long a text is taken for an attack. Ordinary YAML is read at a megabyte a second and more. */
const TIME_LIMIT_MS = 20_000;

/** So many threads read at a time; other texts wait for their turn. */
const MAX_THREADS = 2;

/** @throws DocumentRefused */
export async function parseYaml(text: string): Promise<unknown> {
  if (text.length <= INLINE_LENGTH) return parseYamlHere(text);
  requireLength(text);
  return threads.run(() => parseInThread(text));
}

/** Without a thread; for threads, and for short texts. @throws DocumentRefused */
export function parseYamlHere(text: string): unknown {
  requireLength(text);
  try {
    return parse(text, OPTIONS) as unknown;
  } catch (error) {
    throw refused(error instanceof Error ? error.message : '');
  }
}

function requireLength(text: string): void {
  if (text.length <= MAX_LENGTH) return;
  const detail = `YAML of more than ${MAX_LENGTH / 1024 / 1024} MiB is not read; send it as JSON`;
  throw DocumentRefused.because('document.size', detail);
}

/** Lets a few run at a time, the others in the order in which they came. */
class Turns {
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(private readonly limit: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.limit) this.running++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // Whoever is next takes this turn over.
      if (next) next();
      else this.running--;
    }
  }
}

const threads = new Turns(MAX_THREADS);

/** The library's parser in a thread, so that the event loop goes on and the parser can be stopped. */
const THREAD = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { parse } = require(workerData.library);
  try {
    parentPort.postMessage({ data: parse(workerData.text, workerData.options) });
  } catch (error) {
    parentPort.postMessage({ problem: String(error && error.message) });
  }
`;

const LIBRARY = createRequire(import.meta.url).resolve('yaml');

async function parseInThread(text: string): Promise<unknown> {
  const worker = new Worker(THREAD, {
    eval: true,
    workerData: { library: LIBRARY, text, options: OPTIONS },
    resourceLimits: memoryLimits(1024),
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<unknown>((resolve, reject) => {
      const refuse = (reason: string): void => reject(refused(reason));
      timer = setTimeout(() => refuse('it takes too long to read; send JSON, or less'), TIME_LIMIT_MS);
      worker.once('message', (answer: { data?: unknown; problem?: string }) => {
        if (answer.problem === undefined) resolve(answer.data);
        else refuse(answer.problem);
      });
      worker.once('error', (error: unknown) => refuse(error instanceof Error ? error.message : String(error)));
      worker.once('exit', () => refuse('it needs too much memory to read'));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/** The first lines of the library's message: what, line, column, and the place itself. */
function refused(message: string): DocumentRefused {
  const reason = message.includes('call stack') ? 'it is nested too deeply' : message.slice(0, 500).trim();
  return DocumentRefused.because(
    'document.yaml',
    `this is not YAML that is read here: ${reason || 'it cannot be read'}`,
  );
}
