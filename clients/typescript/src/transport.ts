import type { Problem } from './generated/types.js';
import { ProblemError } from './problem-error.js';

export interface ClientOptions {
  /** The server, for instance `http://127.0.0.1:8080`. */
  readonly baseUrl: string;
  /** An access token or an API key; a function is asked before every call, so that it can renew the token. */
  readonly credential?: string | (() => string | Promise<string>);
  /** Instead of the platform's own `fetch`. */
  readonly fetch?: typeof fetch;
}

/** What every call can be given, whatever it does. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What a call was answered. */
export interface Answer<Body, Status extends number = number> {
  readonly status: Status;
  readonly body: Body;
  /** For `ifMatch` of the next write. */
  readonly etag: string | undefined;
  /** Where what was made or started can be read. */
  readonly location: string | undefined;
  readonly headers: Headers;
}

/** One server-sent event. */
export interface StreamMessage<Data> {
  /** Give the last one as `lastEventId` to go on behind it. */
  readonly id: string | undefined;
  /** The type, for instance `deployment.started`; `reset` and `end` are about the stream itself. */
  readonly event: string;
  readonly data: Data;
}

/** One call as the generated methods describe it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** Makes the calls of one client. What the server refuses is thrown as a ProblemError. */
export class Transport {
  private readonly options: ClientOptions;

  constructor(options: ClientOptions) {
    this.options = options;
  }

  async call<T extends Answer<unknown>>(call: Call): Promise<T> {
    const response = await this.send(call);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    const answer: Answer<unknown> = {
      status: response.status,
      body: text === '' ? undefined : isJson ? (JSON.parse(text) as unknown) : text,
      etag: response.headers.get('etag') ?? undefined,
      location: response.headers.get('location') ?? undefined,
      headers: response.headers,
    };
    return answer as T;
  }

  /** Every item of a list; pages are read as the caller gets to them. */
  async *items<Item>(call: Call): AsyncGenerator<Item, void, undefined> {
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? call.query : { ...call.query, cursor };
      const { body } = await this.call<Answer<Page<Item>>>({ ...call, ...(query && { query }) });
      yield* body.items;
      cursor = body.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** Server-sent events (HTML Standard) until one side ends. */
  async *events<Data>(call: Call): AsyncGenerator<StreamMessage<Data>, void, undefined> {
    let id: string | undefined;
    let event = 'message';
    let data: string[] = [];
    for await (const line of this.lines(call)) {
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'id') id = value;
      else if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (line === '') {
        if (data.length > 0) yield { id, event, data: JSON.parse(data.join('\n')) as Data };
        [event, data] = ['message', []];
      }
    }
  }

  /** One JSON value per line. */
  async *values<Value>(call: Call): AsyncGenerator<Value, void, undefined> {
    for await (const line of this.lines(call)) if (line !== '') yield JSON.parse(line) as Value;
  }

  private async *lines(call: Call): AsyncGenerator<string, void, undefined> {
    const { body } = await this.send(call);
    if (body === null) return;
    let rest = '';
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  }

  private async send({ method, path, query = {}, headers = {}, body, signal }: Call): Promise<Response> {
    const { baseUrl, credential, fetch: send = fetch } = this.options;
    const url = new URL(path, baseUrl);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const known = new Headers();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) known.set(name, value);
    const token = typeof credential === 'function' ? await credential() : credential;
    if (token !== undefined) known.set('authorization', `Bearer ${token}`);
    if (body !== undefined) known.set('content-type', 'application/json');
    const response = await send(url, {
      method,
      headers: known,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

/** What stands in front of the server, a proxy for instance, may answer something that is no problem document. */
async function problemOf(response: Response): Promise<ProblemError> {
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  const text = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  const problem = isProblem
    ? (JSON.parse(text) as Problem)
    : {
        type: 'about:blank',
        title: response.statusText,
        status: response.status,
        detail: text.slice(0, 500),
        instance: new URL(response.url).pathname,
        requestId: '',
      };
  return new ProblemError(problem, Number.isNaN(retryAfter) ? undefined : retryAfter);
}
