export type WriteCommand = 'insert' | 'update' | 'delete';

/**
 * The tables that `efms_system` may write, and how; everything else it only reads (DATA.md). A migration that calls
 * `efms_system_writes` adds its line here; the catalogue test compares this list with the database.
 */
export const SYSTEM_WRITES: Readonly<Record<string, readonly WriteCommand[]>> = {
  api_key_status: ['insert', 'update'],
  audit_chain: ['insert'],
  audit_chain_position: ['update'],
  audit_logs: ['insert'],
  ca_keys: ['insert', 'update'],
  cluster_latencies: ['insert'],
  cluster_latencies_hourly: ['insert', 'delete'],
  cluster_metrics: ['insert'],
  cluster_metrics_hourly: ['insert', 'delete'],
  credential_index: ['insert'],
  endpoint_overrides: ['delete'],
  leases: ['insert', 'update', 'delete'],
  login_failures: ['insert', 'update', 'delete'],
  outbox_cursors: ['insert', 'update', 'delete'],
  outbox_events: ['insert', 'delete'],
  proxy_assignments: ['update'],
  proxy_heads: ['update'],
  proxy_processes: ['insert', 'update'],
  proxy_quarantines: ['insert', 'update', 'delete'],
  proxy_status: ['update'],
  resource_acknowledgements: ['insert', 'update', 'delete'],
  snapshot_resources: ['update', 'delete'],
  snapshots: ['update', 'delete'],
  tenant_data_keys: ['insert', 'update'],
  tenants: ['insert', 'update'],
  traffic_rollups: ['insert', 'update'],
  user_invitations: ['insert'],
  users: ['insert'],
  xds_streams: ['insert', 'update', 'delete'],
};
