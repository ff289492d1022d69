/** Prefix of the lease that says that a replica lives; behind it stands the replica's id. */
export const REPLICA_LEASE = 'replica/';

/** SQL: whether a row `s` of `xds_streams` is a live stream, by the clock of the database. */
export const IS_LIVE = `(s.ended_at is null and exists (
  select from leases l where l.name = '${REPLICA_LEASE}' || s.replica and l.expires_at > clock_timestamp()))`;
