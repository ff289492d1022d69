-- Last known good: what each proxy last had in full, what it may have been sent since, which snapshots it refused or died on, and which
-- process of it was seen last. Written by the server, in the transaction that changes what a proxy is served; DATA.md, "Snapshots".

-- good_hash: the last snapshot that the proxy acknowledged in full, and since when it is that one.
-- tried: the hashes of all snapshots that it may have been sent, in whole or in part, since it last had one in full; what it claims is
-- believed where they all agree. '*' stands for some that are not remembered.
-- taken_over: somebody decided that it may be given its assignment, although it claims what nobody here knows.
alter table proxy_assignments
  add column good_hash text,
  add column good_at timestamptz,
  add column tried text[] not null default '{*}',
  add column taken_over boolean not null default false,
  add constraint proxy_assignments_good_fkey foreign key (tenant_id, good_hash) references snapshots (tenant_id, hash);

create index proxy_assignments_good on proxy_assignments (tenant_id, good_hash) where good_hash is not null;
select efms_system_writes('proxy_assignments', 'update');
select efms_system_writes('proxy_heads', 'update');

-- A snapshot that a proxy refused or died on. While it is held, the proxy is served the last good one in its place; once it was offered
-- again, held is false until it is refused again or the row goes because the proxy has it in full.
create table proxy_quarantines (
  tenant_id uuid not null,
  proxy_id uuid not null,
  snapshot_hash text not null,
  reason text not null check (reason in ('nack', 'crash_loop')),
  -- Whose fault it looks like: the machine's (a port in use, a file that is missing), which heals, or the content's.
  cause text not null check (cause in ('content', 'machine')),
  held boolean not null default true,
  held_at timestamptz not null default clock_timestamp(),
  offered_at timestamptz,
  -- When it is offered again by itself; null: it waits for somebody's word, a new process or another build of Envoy.
  retry_at timestamptz,
  -- How often it was offered again and refused again.
  failed_offers integer not null default 0,
  kind text,
  error_code integer,
  error_message text,
  suspects jsonb not null default '[]' check (jsonb_typeof(suspects) = 'array'),
  boot_id text,
  envoy_version text,
  primary key (tenant_id, proxy_id, snapshot_hash),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade,
  foreign key (tenant_id, snapshot_hash) references snapshots (tenant_id, hash)
);
create index proxy_quarantines_retry on proxy_quarantines (retry_at) where held and retry_at is not null;
create index proxy_quarantines_snapshot on proxy_quarantines (tenant_id, snapshot_hash);
select efms_protect('proxy_quarantines');
select efms_system_writes('proxy_quarantines', 'insert, update, delete');

-- The newest process of each proxy, by its boot id or, without one, by its having nothing left of what it acknowledged; and how it came to
-- be: how many processes before it went within a minute of being sent the same snapshot.
create table proxy_processes (
  tenant_id uuid not null,
  proxy_id uuid not null,
  boot_id text,
  envoy_version text,
  started_at timestamptz not null,
  crash_hash text,
  crashes integer not null default 0,
  -- The longest that one of them lived, in milliseconds.
  longest_ms bigint not null default 0,
  primary key (tenant_id, proxy_id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('proxy_processes');
select efms_system_writes('proxy_processes', 'insert, update');
revoke insert, update, delete on proxy_processes from efms_app;

-- Nothing is sent to the proxy, because it claims what nobody here knows.
alter table xds_streams add column frozen boolean not null default false;

alter table configuration_deployment_targets
  drop constraint configuration_deployment_targets_reason_check,
  add constraint configuration_deployment_targets_reason_check
    check (reason in ('nack', 'crash_loop', 'timeout', 'disconnected', 'deleted', 'aborted')) not valid;
alter table configuration_deployment_targets validate constraint configuration_deployment_targets_reason_check;
