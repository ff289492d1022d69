-- Versioning: configurations, their branches and immutable versions, and the index of what the heads of branches contain.

-- Names compare by bytes, as those of proxies do.
create table proxy_configurations (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null check (name <> ''),
  description text not null default '',
  kind text not null default 'configuration' check (kind in ('configuration', 'template')),
  tags jsonb not null default '[]' check (jsonb_typeof(tags) = 'array'),
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint proxy_configurations_name_key unique (tenant_id, name)
);
select efms_protect('proxy_configurations');
select efms_track_edits('proxy_configurations');

-- The document itself is stored once by content (snapshots, snapshot_resources); config_hash is the SHA-256 of its canonical JSON.
create table configuration_versions (
  tenant_id uuid not null,
  id uuid not null,
  configuration_id uuid not null,
  version_number integer not null check (version_number > 0),
  config_hash text not null check (config_hash ~ '^[0-9a-f]{64}$'),
  snapshot_hash text not null,
  schema_version text not null default 'v3',
  branch text not null,
  parent_version_id uuid,
  merge_parent_version_id uuid,
  change_description text not null default '',
  validation_status text not null default 'pending' check (validation_status in ('pending', 'passed', 'failed')),
  validated_at timestamptz,
  findings jsonb not null default '[]' check (jsonb_typeof(findings) = 'array'),
  diff_from_previous jsonb not null,
  created_by_kind text not null,
  created_by_id text,
  created_by_name text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint configuration_versions_number_key unique (tenant_id, configuration_id, version_number),
  foreign key (tenant_id, configuration_id) references proxy_configurations (tenant_id, id) on delete cascade,
  foreign key (tenant_id, parent_version_id) references configuration_versions (tenant_id, id),
  foreign key (tenant_id, merge_parent_version_id) references configuration_versions (tenant_id, id),
  foreign key (tenant_id, snapshot_hash) references snapshots (tenant_id, hash)
);
create index configuration_versions_hash on configuration_versions (tenant_id, config_hash);
create index configuration_versions_snapshot on configuration_versions (tenant_id, snapshot_hash);
create index configuration_versions_parent on configuration_versions (tenant_id, parent_version_id);
create index configuration_versions_merge_parent on configuration_versions (tenant_id, merge_parent_version_id)
  where merge_parent_version_id is not null;
select efms_protect('configuration_versions');

-- Numbers are given out under the lock of the configuration's row. Whoever inserts without having taken it takes it here, so that
-- the highest number read next is the last committed one and two writers can neither skip nor repeat a number.
create function efms_check_version() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  last_number integer;
begin
  perform 1 from proxy_configurations c where c.tenant_id = new.tenant_id and c.id = new.configuration_id for no key update;
  select coalesce(max(v.version_number), 0) into last_number
    from configuration_versions v where v.tenant_id = new.tenant_id and v.configuration_id = new.configuration_id;
  if new.version_number <> last_number + 1 then
    raise exception 'version % does not follow version % of its configuration', new.version_number, last_number
      using errcode = 'check_violation', constraint = 'configuration_versions_sequential';
  end if;
  if not exists (select 1 from snapshots s where s.tenant_id = new.tenant_id and s.hash = new.snapshot_hash and s.resource_count > 0) then
    raise exception 'a version needs a snapshot with at least one resource'
      using errcode = 'check_violation', constraint = 'configuration_versions_not_empty';
  end if;
  return new;
end $$;
create trigger configuration_versions_check before insert on configuration_versions
  for each row execute function efms_check_version();

-- Only the verdict of a later validation may change; a version goes only with its configuration.
create function efms_keep_version() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    if exists (select 1 from proxy_configurations c where c.tenant_id = old.tenant_id and c.id = old.configuration_id) then
      raise exception 'versions are immutable and go only with their configuration'
        using errcode = 'restrict_violation', constraint = 'configuration_versions_immutable';
    end if;
    return old;
  end if;
  if to_jsonb(new) - array['validation_status', 'validated_at', 'findings']
     is distinct from to_jsonb(old) - array['validation_status', 'validated_at', 'findings'] then
    raise exception 'versions are immutable; only their validation may change'
      using errcode = 'restrict_violation', constraint = 'configuration_versions_immutable';
  end if;
  return new;
end $$;
create trigger configuration_versions_keep before update or delete on configuration_versions
  for each row execute function efms_keep_version();

create table configuration_branches (
  tenant_id uuid not null,
  id uuid not null,
  configuration_id uuid not null,
  name text collate "C" not null check (name <> ''),
  head_version_id uuid,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint configuration_branches_name_key unique (tenant_id, configuration_id, name),
  foreign key (tenant_id, configuration_id) references proxy_configurations (tenant_id, id) on delete cascade,
  foreign key (tenant_id, head_version_id) references configuration_versions (tenant_id, id)
);
create index configuration_branches_head on configuration_branches (tenant_id, head_version_id);
select efms_protect('configuration_branches');

-- What a version names, kept for every version: a secret that only an older, still assigned version uses is in use.
create table version_references (
  tenant_id uuid not null,
  kind text not null,
  name text collate "C" not null,
  version_id uuid not null,
  primary key (tenant_id, version_id, kind, name),
  foreign key (tenant_id, version_id) references configuration_versions (tenant_id, id) on delete cascade
);
create index version_references_name on version_references (tenant_id, kind, name);
select efms_protect('version_references');

-- The definition index: rows for the heads of branches, replaced with the commit that moves a head. Columns are null where Envoy's
-- fields are optional and the document leaves them out; the defaults are Envoy's and not repeated here.
create table listener_definitions (
  tenant_id uuid not null,
  id uuid not null,
  configuration_version_id uuid not null,
  name text not null,
  address_kind text not null check (address_kind in ('socket', 'pipe', 'internal', 'none')),
  address text,
  ip_address inet,
  port integer check (port between 0 and 65535),
  protocol text,
  listener_config jsonb not null,
  traffic_direction text,
  connection_balance_config jsonb,
  transparent boolean,
  freebind boolean,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, configuration_version_id, name),
  foreign key (tenant_id, configuration_version_id) references configuration_versions (tenant_id, id) on delete cascade
);
create index listener_definitions_address on listener_definitions (tenant_id, address, port);
select efms_protect('listener_definitions');

create table filter_chains (
  tenant_id uuid not null,
  id uuid not null,
  listener_id uuid not null,
  name text,
  filter_chain_match jsonb,
  filters jsonb not null,
  transport_socket jsonb,
  use_proxy_proto boolean,
  metadata jsonb,
  is_default boolean not null,
  chain_order integer not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, listener_id, chain_order),
  foreign key (tenant_id, listener_id) references listener_definitions (tenant_id, id) on delete cascade
);
select efms_protect('filter_chains');

create table route_definitions (
  tenant_id uuid not null,
  id uuid not null,
  configuration_version_id uuid not null,
  name text not null,
  virtual_hosts jsonb not null,
  internal_only_headers jsonb,
  response_headers_to_add jsonb,
  response_headers_to_remove jsonb,
  request_headers_to_add jsonb,
  request_headers_to_remove jsonb,
  validate_clusters boolean,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, configuration_version_id, name),
  foreign key (tenant_id, configuration_version_id) references configuration_versions (tenant_id, id) on delete cascade
);
select efms_protect('route_definitions');

create table route_matches (
  tenant_id uuid not null,
  id uuid not null,
  route_definition_id uuid not null,
  virtual_host_name text not null,
  match_config jsonb not null,
  route_action jsonb not null,
  metadata jsonb,
  timeout_ms bigint,
  retry_policy jsonb,
  match_order integer not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, route_definition_id, match_order),
  foreign key (tenant_id, route_definition_id) references route_definitions (tenant_id, id) on delete cascade
);
create index route_matches_virtual_host on route_matches (tenant_id, virtual_host_name);
select efms_protect('route_matches');

create table cluster_definitions (
  tenant_id uuid not null,
  id uuid not null,
  configuration_version_id uuid not null,
  name text not null,
  cluster_type text,
  connect_timeout_ms bigint,
  lb_policy text,
  cluster_config jsonb not null,
  circuit_breakers jsonb,
  outlier_detection jsonb,
  load_assignment jsonb,
  eds_config jsonb,
  dns_resolvers jsonb,
  transport_socket jsonb,
  metadata jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, configuration_version_id, name),
  foreign key (tenant_id, configuration_version_id) references configuration_versions (tenant_id, id) on delete cascade
);
create index cluster_definitions_type on cluster_definitions (tenant_id, cluster_type);
select efms_protect('cluster_definitions');

create table cluster_endpoints (
  tenant_id uuid not null,
  id uuid not null,
  cluster_id uuid not null,
  address_kind text not null check (address_kind in ('socket', 'pipe', 'internal', 'none')),
  address text,
  ip_address inet,
  port integer check (port between 0 and 65535),
  priority integer,
  weight bigint,
  locality_region text,
  locality_zone text,
  locality_subzone text,
  health_status text,
  metadata jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, cluster_id) references cluster_definitions (tenant_id, id) on delete cascade
);
create index cluster_endpoints_cluster on cluster_endpoints (tenant_id, cluster_id);
create index cluster_endpoints_address on cluster_endpoints (tenant_id, address, port);
select efms_protect('cluster_endpoints');

create table cluster_health_checks (
  tenant_id uuid not null,
  id uuid not null,
  cluster_id uuid not null,
  timeout_ms bigint,
  interval_ms bigint,
  interval_jitter_ms bigint,
  unhealthy_threshold bigint,
  healthy_threshold bigint,
  path text,
  http_method text,
  expected_statuses jsonb,
  tcp_send jsonb,
  tcp_receive jsonb,
  grpc_service_name text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, cluster_id) references cluster_definitions (tenant_id, id) on delete cascade
);
create index cluster_health_checks_cluster on cluster_health_checks (tenant_id, cluster_id);
select efms_protect('cluster_health_checks');

create table endpoint_definitions (
  tenant_id uuid not null,
  id uuid not null,
  configuration_version_id uuid not null,
  cluster_name text not null,
  endpoints jsonb not null,
  policy jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, configuration_version_id, cluster_name),
  foreign key (tenant_id, configuration_version_id) references configuration_versions (tenant_id, id) on delete cascade
);
create index endpoint_definitions_cluster on endpoint_definitions (tenant_id, cluster_name);
select efms_protect('endpoint_definitions');
