import { setImmediate as nextTick, setTimeout as delay } from 'node:timers/promises';

interface Waiting<Key, Value> {
  readonly key: Key;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Looks up many keys in few queries: what is asked for within a few milliseconds, or while an answer is under way, is asked for together. So a
 * thousand that come at once cost two or three round trips and one connection, and one that comes alone waits for nobody.
 */
export class GatheredLookups<Key, Value> {
  private waiting: Waiting<Key, Value>[] = [];
  private isAsking = false;
  private lastAsked = -Infinity;

  /**
   * @param ask answers in the order of the keys; where it fails, all that were asked for together fail
   * @param most keys in one query
   * @param pauseMs the shortest time between the beginnings of two queries
   */
  constructor(
    private readonly ask: (keys: readonly Key[]) => Promise<readonly Value[]>,
    private readonly most = 500,
    private readonly pauseMs = 10,
  ) {}

  /** Keys that are not asked for yet. */
  get backlog(): number {
    return this.waiting.length;
  }

  get(key: Key): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      if (!this.isAsking) void this.askAll();
    });
  }

  private async askAll(): Promise<void> {
    this.isAsking = true;
    await nextTick();
    while (this.waiting.length > 0) {
      const wait = this.lastAsked + this.pauseMs - performance.now();
      if (wait > 0) await delay(wait);
      this.lastAsked = performance.now();
      const some = this.waiting.slice(0, this.most);
      this.waiting = this.waiting.slice(this.most);
      try {
        const values = await this.ask(some.map(({ key }) => key));
        if (values.length !== some.length) throw new Error('a lookup must answer each key');
        for (const [i, { resolve }] of some.entries()) resolve(values[i] as Value);
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.isAsking = false;
  }
}
