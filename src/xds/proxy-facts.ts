import type { Transaction } from '../common/database/database.js';
import { appendEvents } from '../common/database/outbox.js';
import type { ProxyKey } from '../infrastructure/index.js';
import type { ProxyEvent } from './xds.events.js';

/** Something that happened to a proxy, for whoever listens to events. */
export type ProxyFact = ProxyKey & ProxyEvent;

/** Writes facts of any tenants as events, as `efms_system`. */
export const publish = (tx: Transaction, facts: readonly ProxyFact[]): Promise<void> =>
  appendEvents(
    tx,
    facts.map(({ tenantId, proxyId, type, payload }) => ({ tenantId, subjectId: proxyId, type, payload })),
  );
