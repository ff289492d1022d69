import type { Readable } from 'node:stream';
import { contract, unmet } from './contract/unmet.js';
import { eventually } from './eventually.js';

const ABOUT_THE_STREAM = new Set<string | undefined>(['reset', 'end']);

export interface StreamMessage {
  readonly id?: string;
  readonly event?: string;
  readonly data?: any;
}

/** Reads the messages of an event stream (HTML Standard, "Server-sent events") as a browser does. */
export class EventListener {
  readonly messages: StreamMessage[] = [];
  /** What a browser would send as `Last-Event-ID`. */
  lastId: string | undefined;
  private text = '';

  constructor(readonly stream: Readable) {
    stream.on('data', (chunk: Buffer | string) => this.take(chunk.toString()));
    // Broken off by either side; what was read by then stands.
    stream.on('error', () => undefined);
  }

  get types() {
    return this.messages.map(({ event }) => event);
  }

  subjects(): string[] {
    return this.messages.map(({ data }) => data.subjectId as string);
  }

  until(count: number): Promise<true> {
    return eventually(`${count} messages`, () => (this.messages.length >= count ? true : undefined));
  }

  private take(text: string): void {
    const blocks = (this.text + text).split('\n\n');
    this.text = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
      if (fields.id !== undefined) this.lastId = fields.id;
      if (fields.data === undefined) continue;
      const message: StreamMessage = { ...fields, data: JSON.parse(fields.data) };
      if (!ABOUT_THE_STREAM.has(message.event)) unmet.push(...contract.itemMismatches('Events_follow', message.data));
      this.messages.push(message);
    }
  }
}
