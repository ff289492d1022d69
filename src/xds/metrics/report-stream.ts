import { status } from '@grpc/grpc-js';
import { Logger } from '@nestjs/common';
import type { MovableStream } from '../server/drain.js';
import { FIRST_REQUEST_MS } from '../server/grpc-stream.js';
import { proofOf, type ProvingCall } from '../server/peer-proof.js';
import { type ProxyIdentity, type StreamAuthenticator, StreamRefusal } from '../server/ports.js';
import type { HandedOver } from '../server/server-stats.js';
import { MalformedMessage } from '../server/wire/protobuf.js';

/** A call on which a proxy reports; of gRPC's own kinds, whichever the service has. */
export interface ReportCall extends ProvingCall {
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'end' | 'cancelled' | 'close' | 'error', listener: () => void): unknown;
}

/** What the service of a stream does with it. */
export interface Reporting {
  /** The node id in the first message; null where it carries no node. @throws MalformedMessage */
  reporter(first: Buffer): string | null;
  /** Called once, when it is known that the proxy is who it says. */
  begin(identity: ProxyIdentity): void;
  /** A message, the first one too. @throws MalformedMessage, StreamOverflow */
  receive(bytes: Buffer): void;
  /** Ends the call with a status, or well. */
  end(failure: { readonly code: status; readonly details: string } | null): void;
}

/** Thrown by a service over a client that sends more than it can be allowed to; ends the stream RESOURCE_EXHAUSTED. */
export class StreamOverflow extends Error {
  override readonly name = 'StreamOverflow';
}

const REFUSALS = {
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  unavailable: status.UNAVAILABLE,
} as const;

/**
 * A stream on which a proxy only reports. It is authenticated as ADS is, with nothing read, and its first message
 * must carry the node of the credential; nodes of later messages are not looked at. Whatever is thrown inside ends this stream alone.
 */
export class ReportStream implements MovableStream {
  private readonly log = new Logger('xds');
  readonly openedAt = performance.now();
  readonly chance = Math.random();
  private firstMessageTimer: NodeJS.Timeout | undefined;
  private isOver = false;
  /** Whom the credential stands for, once it was looked at. */
  identity: ProxyIdentity | undefined;

  constructor(
    private readonly call: ReportCall,
    private readonly reporting: Reporting,
    private readonly authenticator: StreamAuthenticator,
    private readonly onOver: (stream: ReportStream) => void,
  ) {
    for (const event of ['cancelled', 'close', 'error'] as const) call.on(event, () => this.finish());
  }

  /** Authenticates and then begins to read. Never rejects. */
  async open(admit: (identity: ProxyIdentity) => void): Promise<void> {
    if (this.call.cancelled) this.finish();
    try {
      const identity = await this.authenticator.authenticate(proofOf(this.call), this.call.getPeer());
      if (this.isOver) return;
      this.identity = identity;
      admit(identity);
      this.firstMessageTimer = setTimeout(
        () => this.end(status.INVALID_ARGUMENT, 'no message came after the stream was opened'),
        FIRST_REQUEST_MS,
      );
      this.call.on('end', () => this.terminate(null));
      let isKnown = false;
      this.call.on('data', (bytes) => {
        if (this.isOver) return;
        try {
          isKnown ||= this.meet(bytes, identity);
          if (isKnown) this.reporting.receive(bytes);
        } catch (error) {
          this.fail(error);
        }
      });
    } catch (error) {
      this.fail(error);
    }
  }

  isAtRest(): boolean {
    return true;
  }

  handOver(_why: HandedOver, details: string): void {
    this.end(status.UNAVAILABLE, details);
  }

  end(code: status, details: string): void {
    this.terminate({ code, details });
  }

  /** False where the stream ended over who the proxy says it is. */
  private meet(first: Buffer, identity: ProxyIdentity): boolean {
    clearTimeout(this.firstMessageTimer);
    const nodeId = this.reporting.reporter(first);
    if (nodeId === null) throw new MalformedMessage('the first message of a stream must carry a node');
    if (nodeId === identity.nodeId) {
      this.reporting.begin(identity);
      return true;
    }
    const reason = 'the node id is not that of the credential';
    this.authenticator.refused(identity, reason, this.call.getPeer());
    this.end(status.PERMISSION_DENIED, reason);
    return false;
  }

  private fail(error: unknown): void {
    if (error instanceof StreamRefusal) this.end(REFUSALS[error.code], error.reason);
    else if (error instanceof MalformedMessage) this.end(status.INVALID_ARGUMENT, error.message);
    else if (error instanceof StreamOverflow) this.end(status.RESOURCE_EXHAUSTED, error.message);
    else {
      if (!this.isOver) this.log.error(error);
      this.end(status.INTERNAL, 'internal error');
    }
  }

  private terminate(failure: Parameters<Reporting['end']>[0]): void {
    if (this.isOver) return;
    this.finish();
    this.reporting.end(failure);
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.firstMessageTimer);
    this.onOver(this);
  }
}
