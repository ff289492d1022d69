-- xDS: what proxies can be given (snapshots), what each is to have (assignments), and what each has taken or refused (the ledger).

-- One encoded resource, stored once per tenant whatever the number of snapshots that hold it. The hash covers type and bytes, the
-- bytes hold the name, so equal hashes are equal resources. The canonical JSON is json and not jsonb: it keeps the text as written.
create table snapshot_resources (
  tenant_id uuid not null references tenants (id),
  kind text not null check (kind in ('cluster', 'endpoint', 'listener', 'route', 'secret', 'runtime', 'extensionConfig')),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  name text not null,
  value bytea not null,
  json json not null,
  -- What the resource waits for, and everything else it names: [{"kind": …, "name": …}].
  children jsonb not null default '[]' check (jsonb_typeof(children) = 'array'),
  refers_to jsonb not null default '[]' check (jsonb_typeof(refers_to) = 'array'),
  -- When it was last saved, give or take an hour; a collector spares what is young.
  saved_at timestamptz not null default now(),
  primary key (tenant_id, kind, hash)
);
select efms_protect('snapshot_resources');

-- An immutable set of resources: [{"kind": …, "name": …, "version": hash of the resource}].
create table snapshots (
  tenant_id uuid not null references tenants (id),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  resources jsonb not null check (jsonb_typeof(resources) = 'array' and jsonb_array_length(resources) = resource_count),
  resource_count integer not null check (resource_count > 0),
  byte_size bigint not null check (byte_size >= 0),
  created_at timestamptz not null default now(),
  saved_at timestamptz not null default now(),
  primary key (tenant_id, hash)
);
select efms_protect('snapshots');

-- Which snapshot a proxy is to serve, and which it served before. The version is a value that only its giver understands.
create table proxy_assignments (
  tenant_id uuid not null,
  proxy_id uuid not null,
  snapshot_hash text not null,
  version_id uuid,
  previous_snapshot_hash text,
  previous_version_id uuid,
  assigned_at timestamptz not null default now(),
  assigned_by_kind text not null,
  assigned_by_id text,
  assigned_by_name text not null,
  primary key (tenant_id, proxy_id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade,
  foreign key (tenant_id, snapshot_hash) references snapshots (tenant_id, hash),
  foreign key (tenant_id, previous_snapshot_hash) references snapshots (tenant_id, hash)
) with (fillfactor = 80);
create index proxy_assignments_snapshot on proxy_assignments (tenant_id, snapshot_hash);
create index proxy_assignments_previous on proxy_assignments (tenant_id, previous_snapshot_hash)
  where previous_snapshot_hash is not null;
select efms_protect('proxy_assignments');

-- The streams that replicas serve. One lives while it has not ended and the lease replica/<replica> has not run out. Of a proxy's
-- ended streams only the newest is kept, and that only until a newer stream takes over its rows in the ledger.
create table xds_streams (
  tenant_id uuid not null,
  id uuid not null,
  proxy_id uuid not null,
  replica text not null,
  variant text not null check (variant in ('sotw', 'delta')),
  peer text not null,
  node_id text not null,
  boot_id text,
  envoy_version text,
  connected_at timestamptz not null,
  ended_at timestamptz,
  -- The snapshot it is being served; what it last had in full; null converged_hash: it has not, or no longer, converged.
  serving_hash text,
  converged_hash text,
  converged_at timestamptz,
  unmanaged boolean not null default false,
  primary key (tenant_id, id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade
) with (fillfactor = 70);
create index xds_streams_proxy on xds_streams (tenant_id, proxy_id);
select efms_protect('xds_streams');
revoke insert, update, delete on xds_streams from efms_app;
select efms_system_writes('xds_streams', 'insert, update, delete');

-- The ledger: the newest response, ACK and NACK of each type on each stream. A NACK stands until a later ACK of its type.
create table resource_acknowledgements (
  tenant_id uuid not null,
  stream_id uuid not null,
  kind text not null,
  sent_version text,
  sent_hash text,
  sent_at timestamptz,
  resource_count integer not null default 0,
  acked_version text,
  acked_at timestamptz,
  nacked_version text,
  nacked_at timestamptz,
  -- The snapshot whose response was refused, the gRPC code, and Envoy's words after cleaning (SPEC.md §4.5).
  nacked_hash text,
  error_code integer,
  error_message text,
  primary key (tenant_id, stream_id, kind),
  foreign key (tenant_id, stream_id) references xds_streams (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('resource_acknowledgements');
revoke insert, update, delete on resource_acknowledgements from efms_app;
select efms_system_writes('resource_acknowledgements', 'insert, update, delete');
