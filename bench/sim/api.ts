import type { Random } from './random.ts';
import type { Replica } from './replica.ts';

const TIMEOUT_MS = 10_000;

export interface Answer {
  /** 0 where there was none. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Calls the API through any replica that is up, as one tenant, and takes what comes: what fails is part of the simulation. */
export class Api {
  /** Answers by status; 0 where there was none. */
  readonly answers = new Map<number, number>();
  /** Answers that never should be, in words. */
  readonly faults: string[] = [];
  private readonly replicas: readonly Replica[];
  private readonly random: Random;

  constructor(replicas: readonly Replica[], random: Random) {
    this.replicas = replicas;
    this.random = random;
  }

  async call(credential: string, method: string, target: string, body?: unknown): Promise<Answer> {
    const up = this.replicas.filter(({ isUp }) => isUp);
    if (up.length === 0) return { status: 0, body: {} };
    const replica = this.random.one(up);
    const answer = await ask(`${replica.http}/api/v1${target}`, { method, credential, body });
    this.answers.set(answer.status, (this.answers.get(answer.status) ?? 0) + 1);
    const isFault = answer.status === 500 || answer.status === 400 || answer.status === 422;
    if (isFault) this.faults.push(`${method} ${target} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer;
  }
}

interface Question {
  readonly method: string;
  readonly credential: string;
  readonly body: unknown;
}

async function ask(url: string, { method, credential, body }: Question): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(credential === '' ? {} : { authorization: `Bearer ${credential}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'DELETE' || method === 'PUT' ? { 'if-match': '*' } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
  } catch {
    return { status: 0, body: {} };
  }
}
