import { Inject, Injectable } from '@nestjs/common';
import type { PlacedEvent } from '../../common/events/outbox-tail.js';
import { EventPositions } from './event-positions.js';
import { frameOf } from './event-stream.js';

/** Events in the form in which streams send them, made once for all streams that show the same event. */
@Injectable()
export class EventFrames {
  private readonly frames = new WeakMap<PlacedEvent, string>();

  constructor(@Inject(EventPositions) private readonly positions: EventPositions) {}

  of(event: PlacedEvent): string {
    const made = this.frames.get(event);
    if (made !== undefined) return made;
    const { xid, id, tenantId, type, subjectId, payload, createdAt } = event;
    const frame = frameOf({
      id: this.positions.idOf(tenantId, { xid, id, at: createdAt.getTime() }),
      event: type,
      data: { id, type, subjectId, at: createdAt.toISOString(), payload },
    });
    this.frames.set(event, frame);
    return frame;
  }
}
