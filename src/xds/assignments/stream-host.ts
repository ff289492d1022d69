import { Injectable, Logger } from '@nestjs/common';
import { cleanNackText } from '../ledger/nack-text.js';
import { Ledger, type StreamLedger } from '../ledger/ledger.js';
import { RunningSnapshots } from '../metrics/running-snapshots.js';
import { type AttachedStream, type ServedStream, StreamHost } from '../server/ports.js';
import type { ForeignClaim, ResponseReference } from '../server/stream-observer.js';
import type { ErrorDetail } from '../server/wire/discovery-request.js';
import { ClaimChecks } from './claim-checks.js';
import { Quarantines } from './quarantines.js';
import { Reconciler } from './reconciler.js';
import { causeOf } from './refusal-cause.js';

const RETRY_MS = 1_000;

/** Has streams served by the reconciler, what happens on them written to the ledger, and what they refuse held back. */
@Injectable()
export class AssignedStreamHost extends StreamHost {
  private readonly log = new Logger(AssignedStreamHost.name);

  constructor(
    private readonly reconciler: Reconciler,
    private readonly ledger: Ledger,
    private readonly quarantines: Quarantines,
    private readonly claims: ClaimChecks,
    private readonly running: RunningSnapshots,
  ) {
    super();
  }

  override attach(stream: ServedStream): AttachedStream {
    const { identity, node } = stream;
    const record = this.ledger.open({
      id: stream.id,
      tenantId: identity.tenantId,
      proxyId: identity.proxyId,
      variant: stream.variant,
      peer: stream.peer,
      nodeId: node.id,
      bootId: node.bootId,
      envoyVersion: node.userAgentVersion || null,
    });
    const running = this.running.attach(identity.proxyId, stream.id);
    const delays = this.reconciler.stats.delays.follow();
    let hasEnded = false;
    this.reconciler.attach({
      stream,
      beforeServe: (hash, tried) => {
        running.serving(hash);
        return record.serving(hash, tried);
      },
      onChange: (changedAt) => delays.serving(changedAt),
      onTakenOver: () => record.frozen(false),
    });
    return {
      get isRecorded() {
        return record.isWritten;
      },
      subscribed: () => undefined,
      sent: (response) => {
        record.sent(response);
        delays.sent();
      },
      acked: (response) => record.acked(response),
      nacked: (response, error, suspects) => {
        record.nacked(response, error);
        this.refused(stream, response, { error, suspects });
      },
      converged: (hash) => {
        record.converged(hash);
        running.converged(hash);
        delays.converged();
      },
      diverged: () => record.diverged(),
      unmanaged: () => record.unmanaged(),
      frozen: (claim) => {
        record.frozen(true);
        void this.check(stream, record, { claim, hasEnded: () => hasEnded });
      },
      thawed: () => record.frozen(false),
      detached: () => {
        hasEnded = true;
        this.reconciler.detach(stream);
        record.ended();
        running.detached();
      },
    };
  }

  private refused(
    { identity, node }: ServedStream,
    { kind, snapshot }: ResponseReference,
    { error, suspects }: { readonly error: ErrorDetail; readonly suspects: readonly string[] },
  ): void {
    if (snapshot === '') return;
    const message = cleanNackText(kind, error.message);
    this.quarantines.refused({
      tenantId: identity.tenantId,
      proxyId: identity.proxyId,
      snapshotHash: snapshot,
      reason: 'nack',
      cause: causeOf(message),
      refusal: { kind, code: error.code, message, suspects },
      bootId: node.bootId,
      envoyVersion: node.userAgentVersion || null,
      at: performance.now(),
    });
  }

  /** Lets a frozen stream go on where what its client claims turns out to be of EFMS, if of long ago. */
  private async check(
    stream: ServedStream,
    record: StreamLedger,
    { claim, hasEnded }: { readonly claim: ForeignClaim; readonly hasEnded: () => boolean },
  ): Promise<void> {
    while (!hasEnded()) {
      try {
        const isOurs = await this.claims.isOurs(stream.identity, stream.variant, claim);
        if (hasEnded() || !isOurs) return;
        record.frozen(false);
        stream.acceptClaims();
        return;
      } catch (error) {
        this.log.debug({ err: error }, 'what a proxy claims cannot be looked up yet');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }
}
