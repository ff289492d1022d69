export type WriteCommand = 'insert' | 'update' | 'delete';

/**
 * The tables that `efms_system` may write, and how; everything else it only reads (DATA.md). A migration that calls
 * `efms_system_writes` adds its line here; the catalogue test compares this list with the database.
 */
export const SYSTEM_WRITES: Readonly<Record<string, readonly WriteCommand[]>> = {
  audit_logs: ['insert'],
  leases: ['insert', 'update', 'delete'],
  outbox_cursors: ['insert', 'update', 'delete'],
  outbox_events: ['insert', 'delete'],
  tenants: ['insert', 'update'],
};
