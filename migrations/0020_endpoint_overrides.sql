-- What people say about single endpoints for a while, over what the snapshots say: health, weight. It changes what streams are served and
-- no snapshot. One that has expired has no effect; a job removes it.

create table endpoint_overrides (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null check (name <> ''),
  -- Of the endpoint set, which Envoy calls by its cluster's service name.
  cluster_name text collate "C" not null check (cluster_name <> ''),
  -- As the program writes addresses, so that text compares.
  address text collate "C" not null,
  port integer not null check (port between 1 and 65535),
  health_status text check (health_status in ('UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED')),
  weight bigint check (weight between 1 and 4294967295),
  reason text not null,
  expires_at timestamptz,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint endpoint_overrides_name_key unique (tenant_id, name),
  constraint endpoint_overrides_endpoint_key unique (tenant_id, cluster_name, address, port),
  check (health_status is not null or weight is not null)
);
create index endpoint_overrides_created on endpoint_overrides (tenant_id, created_at, id);
create index endpoint_overrides_expiry on endpoint_overrides (expires_at) where expires_at is not null;
select efms_protect('endpoint_overrides');
select efms_track_edits('endpoint_overrides');
select efms_system_writes('endpoint_overrides', 'delete');
