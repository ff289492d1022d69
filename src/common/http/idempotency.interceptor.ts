import { createHmac } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Clock } from '../clock/clock.js';
import type { RequestContext } from '../context/request-context.js';
import { Keys } from '../crypto/keys.js';
import { Database, type Transaction } from '../database/database.js';
import { idempotencyProblems } from './idempotency.errors.js';

/** A request as it is told from others: whose it is, where it goes, and what it says. */
interface KeyedRequest {
  readonly tenantId: string;
  readonly principal: string;
  readonly route: string;
  readonly key: string;
  readonly hash: Buffer;
}

interface KeptRow {
  readonly request_hash: Buffer;
  readonly answer_kept: boolean;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

const LIFETIME_MS = 24 * 60 * 60 * 1000;
/** Visible ASCII and blanks, bounded. */
const KEY = /^[\x20-\x7e]{1,255}$/;
/** What an answer says beside its body. */
const KEPT_HEADERS = ['location', 'etag'] as const;
/** Expired rows that one request clears away. */
const CLEARED_AT_ONCE = 50;

/**
 * `Idempotency-Key` on POST: a request that comes again is answered as the first time and does nothing (DATA.md).
 *
 * The whole request is one transaction (`Database.unit`) that also holds the row of the key, so that the write and the memory of it are
 * committed together or not at all: after a crash or a lost answer, a repeat finds both or neither. Only what a handler writes outside
 * its tenant (`Database.system`) is not in it; such routes must be safe to repeat by themselves. Failures are not kept: they wrote nothing,
 * and a repeat is a new attempt. An answer marked `Cache-Control: no-store` carries a secret; of it only the fact is kept. Routes without
 * a principal (login) take no key. A dry run keeps none, since it does nothing that a repeat could do again.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(Keys) private readonly keys: Keys,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http') return next.handle();
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const header = request.headers['idempotency-key'];
    const { requestContext, isDryRun } = request;
    if (request.method !== 'POST' || header === undefined || !requestContext) return next.handle();
    const key = readKey(header);
    if (isDryRun) return next.handle();
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    const keyed = this.keyed(request, requestContext, key);
    return from(
      this.database.unit(requestContext, async (tx) => {
        const kept = await this.find(tx, keyed);
        if (kept) return repeat(reply, kept);
        const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
        await this.keep(tx, keyed, reply, body);
        return body;
      }),
    );
  }

  /** The answer that was given before; takes the key otherwise, until the transaction ends. */
  private async find(tx: Transaction, request: KeyedRequest): Promise<KeptRow | undefined> {
    const place = [request.tenantId, request.principal, request.route, request.key];
    const [lock] = await tx.query<{ free: boolean }>(
      'select pg_try_advisory_xact_lock(hashtextextended($1, 1)) as free',
      [JSON.stringify(place)],
    );
    if (lock?.free !== true) {
      throw idempotencyProblems.idempotencyKeyBusy({ detail: 'Wait for its answer, then repeat it.', retryAfter: 1 });
    }
    const [row] = await tx.query<KeptRow>(
      `select request_hash, answer_kept, status, headers, body from idempotency_keys
        where tenant_id = $1 and principal = $2 and route = $3 and key = $4 and created_at > $5`,
      [...place, this.oldest()],
    );
    if (row && !row.request_hash.equals(request.hash)) {
      throw idempotencyProblems.idempotencyKeyReused({
        detail: 'Address or body differ from the first time; take a new key for a new request.',
      });
    }
    return row;
  }

  private async keep(tx: Transaction, request: KeyedRequest, reply: FastifyReply, body: unknown): Promise<void> {
    const isSecret = String(reply.getHeader('cache-control') ?? '').includes('no-store');
    const headers = Object.fromEntries(
      KEPT_HEADERS.flatMap((name) => {
        const value = reply.getHeader(name);
        return value === undefined ? [] : [[name, String(value)]];
      }),
    );
    await tx.query(
      `delete from idempotency_keys where (tenant_id, principal, route, key) in (
         select tenant_id, principal, route, key from idempotency_keys where created_at <= $1
          order by created_at limit $2 for update skip locked)`,
      [this.oldest(), CLEARED_AT_ONCE],
    );
    await tx.query(
      `insert into idempotency_keys (tenant_id, principal, route, key, request_hash, answer_kept, status, headers, body, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (tenant_id, principal, route, key) do update
         set request_hash = excluded.request_hash, answer_kept = excluded.answer_kept, status = excluded.status,
             headers = excluded.headers, body = excluded.body, created_at = excluded.created_at`,
      [
        request.tenantId,
        request.principal,
        request.route,
        request.key,
        request.hash,
        !isSecret,
        reply.statusCode,
        isSecret ? {} : headers,
        isSecret || body === undefined ? null : JSON.stringify(body),
        new Date(this.clock.now()),
      ],
    );
  }

  /** Under a key: a body may hold a password, which could be guessed from a plain hash. */
  private keyed(request: FastifyRequest, { tenantId, actor }: RequestContext, key: string): KeyedRequest {
    const hash = createHmac('sha256', this.keys.jwtSecret)
      .update('idempotency\0')
      .update(request.url)
      .update('\0')
      .update(JSON.stringify(request.body ?? null));
    return {
      tenantId,
      principal: `${actor.kind}:${actor.id ?? actor.name}`,
      route: request.routeOptions.url ?? request.url,
      key,
      hash: hash.digest(),
    };
  }

  private oldest(): Date {
    return new Date(this.clock.now() - LIFETIME_MS);
  }
}

function readKey(header: string | string[]): string {
  const key = String(header);
  if (KEY.test(key)) return key;
  throw idempotencyProblems.idempotencyKeyMalformed({ detail: 'It must have 1 to 255 visible ASCII characters.' });
}

function repeat(reply: FastifyReply, kept: KeptRow): unknown {
  if (!kept.answer_kept) {
    throw idempotencyProblems.idempotencyAnswerNotKept({
      detail: 'Its answer carried a secret that EFMS does not keep. If it was lost, ask for a new one with a new key.',
    });
  }
  void reply.status(kept.status).headers({ ...kept.headers, 'idempotency-replayed': 'true' });
  return kept.body === null ? undefined : (JSON.parse(kept.body) as unknown);
}
