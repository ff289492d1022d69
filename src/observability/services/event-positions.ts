import { Inject, Injectable } from '@nestjs/common';
import { isUuid } from '../../common/context/ids.js';
import { Keys } from '../../common/crypto/keys.js';
import { CannotUnseal, seal, unsealByMaster } from '../../common/crypto/sealing.js';
import type { OutboxPosition } from '../../common/events/outbox-tail.js';

/** A place in the outbox and when it was the newest, in milliseconds on the database's clock. */
export interface DatedPosition extends OutboxPosition {
  readonly at: number;
}

/**
 * Makes the ids of a stream's events. An id says where to go on; it is sealed, because a place in the outbox tells how much the whole
 * installation writes, and bound to its tenant.
 */
@Injectable()
export class EventPositions {
  constructor(@Inject(Keys) private readonly keys: Keys) {}

  idOf(tenantId: string, { xid, id, at }: DatedPosition): string {
    return seal(this.keys.masterKey, Buffer.from(JSON.stringify([xid, id, at])), place(tenantId));
  }

  /** @returns undefined for a text that is no id of this tenant, or one under a master key that is not accepted any more */
  read(tenantId: string, id: string): DatedPosition | undefined {
    try {
      const value: unknown = JSON.parse(unsealByMaster(this.keys.masterKey, id, place(tenantId)).toString());
      return Array.isArray(value) ? positionOf(value) : undefined;
    } catch (error) {
      if (error instanceof CannotUnseal) return undefined;
      throw error;
    }
  }
}

const place = (tenantId: string): readonly string[] => ['event-position', tenantId];

function positionOf([xid, id, at]: readonly unknown[]): DatedPosition | undefined {
  if (typeof xid !== 'string' || typeof id !== 'string' || typeof at !== 'number' || !isUuid(id)) return undefined;
  return { xid, id, at };
}
