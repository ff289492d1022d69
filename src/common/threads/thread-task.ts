/** What a thread answers, with the buffers in it that are handed over and not copied. */
export interface Handed<T> {
  readonly value: T;
  readonly transfer: readonly ArrayBuffer[];
}

/** What the file of a task exports as `run`. Input and value are plain data (structured clone). It throws only by mistake. */
export type Run<Input, Value> = (input: Input) => Handed<Value> | Promise<Handed<Value>>;

/** Work that can be done in a thread, by its file. */
export interface ThreadTask<Input, Value> {
  readonly file: URL;
  /** Never there: it keeps the types of the file's `run`. */
  readonly run?: Run<Input, Value>;
}

/** What a thread is told: the file of a task, and what its `run` is given. */
export interface Order {
  readonly file: string;
  readonly input: unknown;
}

/** What it answers: what came of it, or what the task threw. */
export type Answer = { readonly value: unknown } | { readonly thrown: string };
