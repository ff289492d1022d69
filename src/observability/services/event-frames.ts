import { Inject, Injectable } from '@nestjs/common';
import type { PlacedEvent } from '../../common/events/outbox-tail.js';
import type { EventFormat } from './event-format.js';
import { EventPositions } from './event-positions.js';

/** Events in the form in which streams send them, made once for all streams of a format that show the same event. */
@Injectable()
export class EventFrames {
  private readonly frames = new WeakMap<EventFormat, WeakMap<PlacedEvent, string>>();

  constructor(@Inject(EventPositions) private readonly positions: EventPositions) {}

  of(event: PlacedEvent, format: EventFormat): string {
    const frames = this.frames.get(format) ?? new WeakMap<PlacedEvent, string>();
    const made = frames.get(event);
    if (made !== undefined) return made;
    const { xid, id, tenantId, type, subjectId, payload, createdAt } = event;
    const frame = format.frame({
      id: this.positions.idOf(tenantId, { xid, id, at: createdAt.getTime() }),
      event: type,
      data: { id, type, subjectId, at: createdAt.toISOString(), payload },
    });
    this.frames.set(format, frames.set(event, frame));
    return frame;
  }
}
