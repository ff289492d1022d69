-- Which snapshots somebody may still need; the collector removes the others (DATA.md, "Versions, snapshots, heads"). A migration that adds
-- a table naming snapshots replaces this view by one that knows it.
create view snapshot_uses with (security_invoker = true) as
  select tenant_id, snapshot_hash as hash from configuration_versions
  union all
  select tenant_id, snapshot_hash from proxy_assignments
  union all
  select tenant_id, previous_snapshot_hash from proxy_assignments where previous_snapshot_hash is not null
  union all
  select tenant_id, good_hash from proxy_assignments where good_hash is not null
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
grant select on snapshot_uses to efms_system;

-- To lock them before they go, the collector needs the right to update them.
select efms_system_writes('snapshots', 'update, delete');
select efms_system_writes('snapshot_resources', 'update, delete');
