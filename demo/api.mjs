import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { say, show } from './say.mjs';

const LONGEST_INLINE_BODY = 200;

/** The REST API as a person with curl uses it: every call is shown as the command that does the same, with what it answered. */
export class Api {
  #token;
  #files = 0;

  /** @param folder where bodies too long for a command line are written, for the shown commands to refer to */
  constructor(base, folder) {
    this.base = `${base}/api/v1`;
    this.folder = folder;
  }

  async logIn(email, password) {
    const { accessToken } = await this.call('POST', '/auth/login', { email, password });
    this.#token = accessToken;
    show(`export TOKEN=${shortened(accessToken)}`);
  }

  /**
   * Calls, shows, and answers the parsed body. Throws with the problem's own words when EFMS refuses.
   * @param pipe what the shown command does with the answer
   */
  async call(method, target, body, pipe = '') {
    show(this.#curl(method, target, body) + pipe);
    const response = await globalThis.fetch(this.base + target, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target} answered ${response.status}: ${text}`);
    const answer = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
    say(`  ${response.status} ${summary(answer)}`);
    return answer;
  }

  /** The same without a word, for looking again and again. */
  async look(target) {
    const headers = { authorization: `Bearer ${this.#token}` };
    const response = await globalThis.fetch(this.base + target, { headers });
    if (!response.ok) throw new Error(`GET ${target} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }

  #curl(method, target, body) {
    const words = ['curl', '-s', ...(method === 'GET' ? [] : ['-X', method]), quote(this.base + target)];
    if (this.#token !== undefined) words.push('-H', '"authorization: Bearer $TOKEN"');
    if (body !== undefined) words.push('-H', quote('content-type: application/json'), '-d', this.#argument(body));
    return words.join(' ');
  }

  #argument(body) {
    const text = JSON.stringify(body);
    if (text.length <= LONGEST_INLINE_BODY) return quote(text);
    const file = path.join(this.folder, `body-${++this.#files}.json`);
    writeFileSync(file, `${JSON.stringify(body, null, 2)}\n`, { mode: 0o600 });
    return `@${file}`;
  }
}

const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

/** The start of a secret or a hash, enough to tell it from others. */
export const shortened = (secret) => `${secret.slice(0, 12)}…`;

const LONG = new Set(['accessToken', 'token', 'hash']);
/** What of an answer tells how the call went; all of it is for `curl`. */
const TELLING = new Set(['name', 'branches', 'number', 'findings', 'status', 'progress', 'expiresIn', ...LONG]);

function summary(answer) {
  if (typeof answer === 'string') return `${answer.split('\n').length} lines`;
  const told = Object.entries(answer).filter(([key, value]) => TELLING.has(key) && value !== '');
  return JSON.stringify(
    Object.fromEntries(told.map(([key, value]) => [key, LONG.has(key) ? shortened(value) : value])),
  );
}
