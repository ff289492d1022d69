import { Injectable } from '@nestjs/common';
import { Ledger } from '../ledger/ledger.js';
import { type AttachedStream, type ServedStream, StreamHost } from '../server/ports.js';
import { Reconciler } from './reconciler.js';

/** Has streams served by the reconciler and what happens on them written to the ledger. */
@Injectable()
export class AssignedStreamHost extends StreamHost {
  constructor(
    private readonly reconciler: Reconciler,
    private readonly ledger: Ledger,
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
    this.reconciler.attach({ stream, beforeServe: (hash) => record.serving(hash) });
    return {
      subscribed: () => undefined,
      sent: (response) => record.sent(response),
      acked: (response) => record.acked(response),
      nacked: (response, error) => record.nacked(response, error),
      converged: (hash) => record.converged(hash),
      diverged: () => record.diverged(),
      unmanaged: () => record.unmanaged(),
      detached: () => {
        this.reconciler.detach(stream);
        record.ended();
      },
    };
  }
}
