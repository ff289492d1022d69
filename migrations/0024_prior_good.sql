-- The good snapshot before the last one, and how long it ran: one that takes the proxy down within a minute of being had in full was good by
-- its ACKs only, and the one before it is the last good one still (SPEC.md §4.5, "No crash loops").
alter table proxy_assignments
  add column prior_good_hash text,
  add column prior_good_ran_ms float8,
  add constraint proxy_assignments_prior_good_fkey foreign key (tenant_id, prior_good_hash) references snapshots (tenant_id, hash);
create index proxy_assignments_prior_good on proxy_assignments (tenant_id, prior_good_hash) where prior_good_hash is not null;

create or replace view snapshot_uses with (security_invoker = true) as
  select tenant_id, snapshot_hash as hash from configuration_versions
  union all
  select tenant_id, snapshot_hash from proxy_assignments
  union all
  select tenant_id, previous_snapshot_hash from proxy_assignments where previous_snapshot_hash is not null
  union all
  select tenant_id, good_hash from proxy_assignments where good_hash is not null
  union all
  select tenant_id, prior_good_hash from proxy_assignments where prior_good_hash is not null
  union all
  -- What a proxy may have been sent tells which of its claims are believed.
  select tenant_id, unnest(tried) from proxy_assignments
  union all
  select tenant_id, snapshot_hash from proxy_quarantines
  union all
  select tenant_id, snapshot_hash from configuration_deployment_targets where active
  union all
  select tenant_id, previous_snapshot_hash from configuration_deployment_targets
   where active and previous_snapshot_hash is not null;
