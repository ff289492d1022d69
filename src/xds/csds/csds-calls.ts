import { type Metadata, type ServerDuplexStream, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { newId } from '../../common/context/ids.js';
import { problems } from '../../common/errors/problem.js';
import { bearerOf } from '../../common/http/bearer.js';
import { asProblem } from '../../common/http/problem.filter.js';
import { Admission, allows, type Caller, TENANT_HEADER } from '../../tenancy/index.js';
import { addressOf } from '../server/peer-address.js';
import { MalformedMessage } from '../server/wire/protobuf.js';
import { encodeStatusResponse } from './client-config.js';
import { ClientStatus } from './client-status.js';
import { readStatusRequest } from './status-request.js';
import { UnreadAnswers } from './unread-answers.js';

type AnyCall = ServerDuplexStream<Buffer, Buffer> | ServerUnaryCall<Buffer, Buffer>;

/** How a call failed, as gRPC says it. */
export interface CallFailure {
  readonly code: status;
  readonly details: string;
}

const STATUS = new Map([
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [404, status.NOT_FOUND],
  [413, status.RESOURCE_EXHAUSTED],
  [422, status.INVALID_ARGUMENT],
  [429, status.RESOURCE_EXHAUSTED],
  [503, status.UNAVAILABLE],
]);

const SHUTTING_DOWN: CallFailure = { code: status.UNAVAILABLE, details: 'the server is shutting down' };

/**
 * Calls of people's tools, which show the credentials that they show to the REST API: `authorization: Bearer …`, and for a platform admin
 * `x-efms-tenant`. On a stream they are looked at before each answer.
 */
@Injectable()
export class CsdsCalls implements BeforeApplicationShutdown {
  private readonly log = new Logger(CsdsCalls.name);
  private readonly streams = new Set<ServerDuplexStream<Buffer, Buffer>>();
  private readonly answers = new UnreadAnswers();
  private isShuttingDown = false;

  constructor(
    private readonly admission: Admission,
    private readonly clientStatus: ClientStatus,
  ) {}

  beforeApplicationShutdown(): void {
    this.isShuttingDown = true;
    for (const call of this.streams) call.emit('error', SHUTTING_DOWN);
  }

  /** One answer. Rejects with what {@link failureOf} makes a status of. */
  async answer(request: Buffer, call: AnyCall): Promise<Buffer> {
    const caller = await this.admit(call.metadata, call.getPeer());
    const read = readStatusRequest(request);
    if (!read.withoutContents && !allows(caller.principal.permissions, 'configurations:read')) {
      this.admission.forbidden(caller.ctx, 'configurations:read');
      throw problems.forbidden({
        detail: 'Contents of resources need configurations:read; without it, set exclude_resource_contents.',
      });
    }
    const { ctx } = caller;
    return this.answers.make(ctx.tenantId, call, async () =>
      encodeStatusResponse(await this.clientStatus.read(ctx, read)),
    );
  }

  /** Answers a stream, one request after the other, until its client is done. It never throws. */
  open(call: ServerDuplexStream<Buffer, Buffer>): void {
    if (this.isShuttingDown) {
      call.emit('error', SHUTTING_DOWN);
      return;
    }
    this.streams.add(call);
    const leave = (): void => {
      this.streams.delete(call);
    };
    for (const event of ['cancelled', 'close', 'error'] as const) call.on(event, leave);
    void this.serve(call);
  }

  failureOf(error: unknown): CallFailure {
    if (error instanceof MalformedMessage) return { code: status.INVALID_ARGUMENT, details: error.message };
    const problem = asProblem(error);
    const code = STATUS.get(problem.definition.status);
    if (code !== undefined) return { code, details: problem.message };
    this.log.error(error);
    return { code: status.INTERNAL, details: 'internal error' };
  }

  /** Nothing is read from a client before it is known. */
  private async serve(call: ServerDuplexStream<Buffer, Buffer>): Promise<void> {
    const fail = (error: unknown): void => {
      if (!this.streams.delete(call)) return;
      call.emit('error', this.failureOf(error));
    };
    try {
      await this.admit(call.metadata, call.getPeer());
    } catch (error) {
      fail(error);
      return;
    }
    let answering = Promise.resolve();
    call.on('data', (request: Buffer) => {
      call.pause();
      answering = this.answer(request, call).then(
        (response) => {
          if (!this.streams.has(call)) return;
          call.write(response, () => {
            this.answers.read(response);
            call.resume();
          });
        },
        (error: unknown) => fail(error),
      );
    });
    call.on('end', () => {
      void answering.then(() => {
        if (this.streams.delete(call)) call.end();
      });
    });
  }

  private async admit(metadata: Metadata, peer: string): Promise<Caller> {
    const [tenant] = metadata.get(TENANT_HEADER);
    const [authorization] = metadata.get('authorization');
    const origin = { requestId: newId(), ...addressOf(peer) };
    // What is no credential is asked for nobody, and refused.
    const credential = authorization === undefined ? undefined : (bearerOf(authorization.toString()) ?? '');
    const caller = await this.admission.admit({ credential, tenant: tenant?.toString() }, origin);
    this.admission.require(caller, 'proxies:read');
    return caller;
  }
}
