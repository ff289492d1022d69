-- Who took a proxy out of service and back.
--
-- History outlives proxies, so it has no foreign key to them and keeps their names.
create table proxy_lifecycle_events (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  proxy_id uuid not null,
  proxy_name text not null,
  from_state text not null,
  to_state text not null,
  reason text not null default '',
  -- Taken while the proxy is locked: the order is that in which its states followed each other, whatever the transactions waited for.
  happened_at timestamptz not null default clock_timestamp(),
  actor_kind text not null,
  actor_id text,
  actor_name text not null,
  primary key (tenant_id, id)
);
create index proxy_lifecycle_events_proxy on proxy_lifecycle_events (tenant_id, proxy_id, happened_at, id);
select efms_protect('proxy_lifecycle_events');
revoke update, delete on proxy_lifecycle_events from efms_app;
