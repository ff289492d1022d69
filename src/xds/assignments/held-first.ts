import type { LedgerSink } from '../ledger/ledger.js';
import type { Quarantines } from './quarantines.js';

/**
 * Has refusals held back before the ledger tells of them. Whoever reads there that a proxy refused a snapshot, and gives it to the proxy
 * again, then releases what is held; a hold that came later would undo that.
 */
export function heldFirst(quarantines: Pick<Quarantines, 'written'>, sink: LedgerSink): LedgerSink {
  return {
    write: async (batch) => {
      await quarantines.written();
      await sink.write(batch);
    },
  };
}
