-- Infrastructure: the proxies of a tenant, what they prove themselves with, and the heads that say what each must have.
--
-- Deleting a proxy cascades only to tables without triggers: from PostgreSQL 18 on, triggers of cascaded rows run as the owner,
-- for whom row-level security lets nothing through. Rows of audited tables are deleted by the application first.

-- Names compare by bytes, so that a prefix is a range and the order of pages is the same on every database.
create table envoy_proxies (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null check (name <> ''),
  node_id text not null check (node_id <> ''),
  node_cluster text,
  locality_region text,
  locality_zone text,
  locality_subzone text,
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  admin_port integer not null default 9901 check (admin_port between 1 and 65535),
  lifecycle_state text not null default 'running' check (lifecycle_state in ('running', 'draining', 'stopped')),
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint envoy_proxies_name_key unique (tenant_id, name),
  constraint envoy_proxies_node_id_key unique (tenant_id, node_id)
);
select efms_protect('envoy_proxies');
select efms_track_edits('envoy_proxies');

-- The labels again, as rows: row-level security keeps GIN indexes on jsonb from being used.
create table proxy_labels (
  tenant_id uuid not null,
  key text collate "C" not null,
  value text collate "C" not null,
  proxy_id uuid not null,
  primary key (tenant_id, key, value, proxy_id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade
);
create index proxy_labels_proxy on proxy_labels (tenant_id, proxy_id);
select efms_protect('proxy_labels');

-- What the proxy itself and the replica that serves it report. Nothing that changes is indexed, so updates stay on their page.
create table proxy_status (
  tenant_id uuid not null,
  proxy_id uuid not null,
  connection text not null default 'never_seen' check (connection in ('connected', 'disconnected', 'never_seen')),
  management text not null default 'managed' check (management in ('managed', 'unmanaged', 'frozen')),
  envoy_version text,
  boot_id text,
  connected_at timestamptz,
  disconnected_at timestamptz,
  replica text,
  primary key (tenant_id, proxy_id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('proxy_status');
select efms_system_writes('proxy_status', 'update');

create table proxy_credentials (
  tenant_id uuid not null,
  id uuid not null,
  proxy_id uuid not null,
  kind text not null default 'token' check (kind in ('token')),
  name text not null default '',
  token_hash bytea not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  revoked_reason text,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id)
);
create index proxy_credentials_proxy on proxy_credentials (tenant_id, proxy_id, created_at, id);
select efms_protect('proxy_credentials');
select efms_track_edits('proxy_credentials');

-- Whatever changes what a proxy gets, or whether it may be connected, changes its head in the same transaction. A proxy that is
-- gone has no head.
create table proxy_heads (
  tenant_id uuid not null,
  proxy_id uuid not null,
  assignment_hash text,
  overrides_rev bigint not null default 0,
  secrets_rev bigint not null default 0,
  credential_epoch bigint not null default 0,
  quarantine_rev bigint not null default 0,
  changed_at timestamptz not null default now(),
  primary key (tenant_id, proxy_id),
  foreign key (tenant_id, proxy_id) references envoy_proxies (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('proxy_heads');

-- Here and not in the application, so that no way of making a proxy can forget one of them.
create function efms_proxy_companions() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into proxy_heads (tenant_id, proxy_id) values (new.tenant_id, new.id);
    insert into proxy_status (tenant_id, proxy_id) values (new.tenant_id, new.id);
  else
    delete from proxy_labels where tenant_id = new.tenant_id and proxy_id = new.id;
  end if;
  insert into proxy_labels (tenant_id, key, value, proxy_id)
    select new.tenant_id, label.key, label.value, new.id from jsonb_each_text(new.labels) as label;
  return null;
end $$;
create trigger envoy_proxies_made after insert on envoy_proxies for each row execute function efms_proxy_companions();
create trigger envoy_proxies_relabelled after update of labels on envoy_proxies for each row
  when (old.labels is distinct from new.labels) execute function efms_proxy_companions();
