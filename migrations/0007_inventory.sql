-- Inventory: machines and the containers on them, groups of proxies with the history of who belonged to them, and the tokens that let
-- machines enrol themselves.
--
-- Label rows stand beside the jsonb as in 0003, kept by one function for every kind of thing that has labels.

create function efms_keep_label_rows() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  label_table text := tg_argv[0];
  owner_column text := tg_argv[1];
begin
  if tg_op = 'UPDATE' then
    execute format('delete from %I where tenant_id = $1 and %I = $2', label_table, owner_column) using new.tenant_id, new.id;
  end if;
  execute format('insert into %I (tenant_id, key, value, %I) select $1, label.key, label.value, $2 from jsonb_each_text($3) as label',
    label_table, owner_column) using new.tenant_id, new.id, new.labels;
  return null;
end $$;

create table virtual_machines (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  hostname text collate "C" not null check (hostname <> ''),
  ip_address inet,
  region text collate "C",
  availability_zone text collate "C",
  cpu_cores integer check (cpu_cores > 0),
  memory_mb bigint check (memory_mb > 0),
  disk_gb bigint check (disk_gb > 0),
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint virtual_machines_hostname_key unique (tenant_id, hostname)
);
create index virtual_machines_region on virtual_machines (tenant_id, region, hostname);
create index virtual_machines_created on virtual_machines (tenant_id, created_at, id);
select efms_protect('virtual_machines');
select efms_track_edits('virtual_machines');

create table vm_labels (
  tenant_id uuid not null,
  key text collate "C" not null,
  value text collate "C" not null,
  vm_id uuid not null,
  primary key (tenant_id, key, value, vm_id),
  foreign key (tenant_id, vm_id) references virtual_machines (tenant_id, id) on delete cascade
);
create index vm_labels_vm on vm_labels (tenant_id, vm_id);
select efms_protect('vm_labels');

-- What agents report. A machine that no agent reports for stays unknown.
create table vm_status (
  tenant_id uuid not null,
  vm_id uuid not null,
  status text not null default 'unknown' check (status in ('unknown', 'healthy', 'unhealthy', 'offline')),
  last_heartbeat timestamptz,
  primary key (tenant_id, vm_id),
  foreign key (tenant_id, vm_id) references virtual_machines (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('vm_status');

create function efms_vm_companions() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into vm_status (tenant_id, vm_id) values (new.tenant_id, new.id);
  return null;
end $$;
create trigger virtual_machines_made after insert on virtual_machines for each row execute function efms_vm_companions();
create trigger virtual_machines_labelled after insert on virtual_machines for each row
  execute function efms_keep_label_rows('vm_labels', 'vm_id');
create trigger virtual_machines_relabelled after update of labels on virtual_machines for each row
  when (old.labels is distinct from new.labels) execute function efms_keep_label_rows('vm_labels', 'vm_id');

-- The name is EFMS's own and lasts; container_id is the container engine's and changes each time the container is made anew.
create table containers (
  tenant_id uuid not null,
  id uuid not null,
  vm_id uuid not null,
  name text collate "C" not null check (name <> ''),
  container_id text collate "C" not null check (container_id <> ''),
  image text,
  image_digest text check (image_digest ~ '^[a-z0-9]+:[0-9a-f]{32,128}$'),
  resource_limits jsonb not null default '{}' check (jsonb_typeof(resource_limits) = 'object'),
  environment_vars jsonb not null default '{}' check (jsonb_typeof(environment_vars) = 'object'),
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint containers_name_key unique (tenant_id, name),
  constraint containers_container_id_key unique (tenant_id, container_id),
  constraint containers_vm_fkey foreign key (tenant_id, vm_id) references virtual_machines (tenant_id, id)
);
create index containers_vm on containers (tenant_id, vm_id, name);
create index containers_created on containers (tenant_id, created_at, id);
select efms_protect('containers');
select efms_track_edits('containers');

create table container_labels (
  tenant_id uuid not null,
  key text collate "C" not null,
  value text collate "C" not null,
  container_id uuid not null,
  primary key (tenant_id, key, value, container_id),
  foreign key (tenant_id, container_id) references containers (tenant_id, id) on delete cascade
);
create index container_labels_container on container_labels (tenant_id, container_id);
select efms_protect('container_labels');

create table container_status (
  tenant_id uuid not null,
  container_id uuid not null,
  status text not null default 'unknown'
    check (status in ('unknown', 'created', 'running', 'paused', 'restarting', 'exited', 'removed')),
  health text not null default 'unknown' check (health in ('unknown', 'starting', 'healthy', 'unhealthy')),
  restart_count integer not null default 0,
  exit_code integer,
  started_at timestamptz,
  -- When what is told last happened; events that happened before it are history only.
  as_of timestamptz,
  primary key (tenant_id, container_id),
  foreign key (tenant_id, container_id) references containers (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('container_status');

create function efms_container_companions() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into container_status (tenant_id, container_id) values (new.tenant_id, new.id);
  return null;
end $$;
create trigger containers_made after insert on containers for each row execute function efms_container_companions();
create trigger containers_labelled after insert on containers for each row
  execute function efms_keep_label_rows('container_labels', 'container_id');
create trigger containers_relabelled after update of labels on containers for each row
  when (old.labels is distinct from new.labels) execute function efms_keep_label_rows('container_labels', 'container_id');

create table container_events (
  tenant_id uuid not null,
  id uuid not null,
  container_id uuid not null,
  kind text not null,
  happened_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  exit_code integer,
  message text not null default '',
  actor_kind text not null,
  actor_id text,
  actor_name text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, container_id) references containers (tenant_id, id) on delete cascade
);
create index container_events_container on container_events (tenant_id, container_id, id);
select efms_protect('container_events');

-- Where a proxy runs: in a container, whose machine is then its machine too, or on a machine directly.
alter table envoy_proxies
  add column vm_id uuid,
  add column container_id uuid,
  add constraint envoy_proxies_vm_fkey foreign key (tenant_id, vm_id) references virtual_machines (tenant_id, id),
  add constraint envoy_proxies_container_fkey foreign key (tenant_id, container_id) references containers (tenant_id, id),
  add constraint envoy_proxies_place_check check (vm_id is null or container_id is null);
create index envoy_proxies_vm on envoy_proxies (tenant_id, vm_id) where vm_id is not null;
create index envoy_proxies_container on envoy_proxies (tenant_id, container_id) where container_id is not null;

-- selector is what people wrote; selector_terms is the same as [{"key", "operator": in|notin|exists|absent, "values": […]}].
create table proxy_groups (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null check (name <> ''),
  description text not null default '',
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  parent_id uuid,
  selector text,
  selector_terms jsonb check (jsonb_typeof(selector_terms) = 'array'),
  selection_strategy text not null default 'all' check (selection_strategy in ('all', 'canary_percentage', 'blue_green')),
  is_active boolean not null default true,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint proxy_groups_name_key unique (tenant_id, name),
  constraint proxy_groups_parent_fkey foreign key (tenant_id, parent_id) references proxy_groups (tenant_id, id),
  check ((selector is null) = (selector_terms is null)),
  check (parent_id <> id)
);
create index proxy_groups_parent on proxy_groups (tenant_id, parent_id);
create index proxy_groups_created on proxy_groups (tenant_id, created_at, id);
select efms_protect('proxy_groups');
select efms_track_edits('proxy_groups');

create table proxy_group_labels (
  tenant_id uuid not null,
  key text collate "C" not null,
  value text collate "C" not null,
  group_id uuid not null,
  primary key (tenant_id, key, value, group_id),
  foreign key (tenant_id, group_id) references proxy_groups (tenant_id, id) on delete cascade
);
create index proxy_group_labels_group on proxy_group_labels (tenant_id, group_id);
select efms_protect('proxy_group_labels');
create trigger proxy_groups_labelled after insert on proxy_groups for each row
  execute function efms_keep_label_rows('proxy_group_labels', 'group_id');
create trigger proxy_groups_relabelled after update of labels on proxy_groups for each row
  when (old.labels is distinct from new.labels) execute function efms_keep_label_rows('proxy_group_labels', 'group_id');

-- A proxy that a person put into a group whose selector matches it too has a row for each; it belongs as long as one is left.
create table proxy_group_members (
  tenant_id uuid not null,
  proxy_group_id uuid not null,
  envoy_proxy_id uuid not null,
  source text not null check (source in ('static', 'selector')),
  joined_at timestamptz not null default now(),
  primary key (tenant_id, proxy_group_id, envoy_proxy_id, source),
  foreign key (tenant_id, proxy_group_id) references proxy_groups (tenant_id, id) on delete cascade,
  foreign key (tenant_id, envoy_proxy_id) references envoy_proxies (tenant_id, id) on delete cascade
);
create index proxy_group_members_proxy on proxy_group_members (tenant_id, envoy_proxy_id);
select efms_protect('proxy_group_members');

-- History outlives proxies, so it has no foreign keys and keeps their names. position orders what one transaction did.
create table group_membership_events (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  position bigint generated always as identity,
  proxy_group_id uuid not null,
  envoy_proxy_id uuid not null,
  proxy_name text not null,
  change text not null check (change in ('joined', 'left')),
  source text not null check (source in ('static', 'selector')),
  reason text not null check (reason in ('added', 'removed', 'labels', 'selector', 'proxy_deleted', 'enrolled')),
  happened_at timestamptz not null default now(),
  actor_kind text not null,
  actor_id text,
  actor_name text not null,
  primary key (tenant_id, id)
);
create index group_membership_events_group on group_membership_events (tenant_id, proxy_group_id, position);
select efms_protect('group_membership_events');
revoke update, delete on group_membership_events from efms_app;

-- Who acts comes from the transaction, as in efms_audit.
create function efms_group_event_actor() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  actor jsonb := coalesce(nullif(current_setting('app.actor', true), '')::jsonb, '{}'::jsonb);
begin
  new.actor_kind := coalesce(actor ->> 'kind', 'system');
  new.actor_id := actor ->> 'id';
  new.actor_name := coalesce(actor ->> 'name', current_user);
  return new;
end $$;
create trigger group_membership_events_actor before insert on group_membership_events for each row
  execute function efms_group_event_actor();

-- Writers of selectors and of the hierarchy hold this lock alone, writers of labels share it: neither decides on what the other is
-- about to change. Taken before any row is locked.
create function efms_lock_groups(tenant uuid, alone boolean) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if alone then
    perform pg_advisory_xact_lock(hashtextextended('proxy_groups ' || tenant, 0));
  else
    perform pg_advisory_xact_lock_shared(hashtextextended('proxy_groups ' || tenant, 0));
  end if;
end $$;

-- Brings the members by selector of these groups, among these proxies, into step and tells what changed. Null stands for all.
create function efms_refresh_selected(tenant uuid, groups uuid[], proxies uuid[], because text) returns void
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  with wanted as materialized (
    select g.id as group_id, p.id as proxy_id
      from proxy_groups g join envoy_proxies p on p.tenant_id = g.tenant_id
     where g.tenant_id = tenant and g.selector_terms is not null
       and (groups is null or g.id = any (groups)) and (proxies is null or p.id = any (proxies))
       and not exists (
         select from jsonb_to_recordset(g.selector_terms) as term (key text, operator text, "values" jsonb)
          where not case term.operator
            when 'in' then coalesce(term."values" ? (p.labels ->> term.key), false)
            when 'notin' then not coalesce(term."values" ? (p.labels ->> term.key), false)
            when 'exists' then p.labels ? term.key
            else not p.labels ? term.key
          end)
  ), added as (
    insert into proxy_group_members (tenant_id, proxy_group_id, envoy_proxy_id, source)
      select tenant, group_id, proxy_id, 'selector' from wanted order by group_id, proxy_id
    on conflict do nothing returning proxy_group_id, envoy_proxy_id
  ), removed as (
    delete from proxy_group_members m
     where m.tenant_id = tenant and m.source = 'selector'
       and (groups is null or m.proxy_group_id = any (groups)) and (proxies is null or m.envoy_proxy_id = any (proxies))
       and not exists (select from wanted w where w.group_id = m.proxy_group_id and w.proxy_id = m.envoy_proxy_id)
    returning proxy_group_id, envoy_proxy_id
  )
  insert into group_membership_events (tenant_id, proxy_group_id, envoy_proxy_id, proxy_name, change, source, reason)
    select tenant, c.proxy_group_id, c.envoy_proxy_id, p.name, c.change, 'selector', because
      from (select 'left' as change, * from removed union all select 'joined', * from added) as c
      join envoy_proxies p on p.tenant_id = tenant and p.id = c.envoy_proxy_id
     order by p.name;
end $$;

create function efms_group_selector_changed() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  perform efms_lock_groups(new.tenant_id, true);
  perform efms_refresh_selected(new.tenant_id, array[new.id], null, 'selector');
  return null;
end $$;
create trigger proxy_groups_selecting after insert on proxy_groups for each row
  when (new.selector_terms is not null) execute function efms_group_selector_changed();
create trigger proxy_groups_reselecting after update of selector_terms on proxy_groups for each row
  when (old.selector_terms is distinct from new.selector_terms) execute function efms_group_selector_changed();

-- Once per statement, so that making ten thousand proxies is one look at the groups.
create function efms_proxy_labels_changed() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  tenant uuid;
  changed uuid[];
begin
  for tenant, changed in
    select a.tenant_id, array_agg(a.id) from after_rows a group by a.tenant_id
  loop
    if tg_op = 'UPDATE' then
      select array_agg(a.id) into changed from after_rows a join before_rows b on b.tenant_id = a.tenant_id and b.id = a.id
       where a.tenant_id = tenant and a.labels is distinct from b.labels;
      continue when changed is null;
    end if;
    perform efms_lock_groups(tenant, false);
    perform efms_refresh_selected(tenant, null, changed, 'labels');
  end loop;
  return null;
end $$;
create trigger envoy_proxies_grouped after insert on envoy_proxies referencing new table as after_rows
  for each statement execute function efms_proxy_labels_changed();
create trigger envoy_proxies_regrouped after update on envoy_proxies referencing old table as before_rows new table as after_rows
  for each statement execute function efms_proxy_labels_changed();

create function efms_proxy_leaves_groups() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  with removed as (
    delete from proxy_group_members where tenant_id = old.tenant_id and envoy_proxy_id = old.id returning proxy_group_id, source)
  insert into group_membership_events (tenant_id, proxy_group_id, envoy_proxy_id, proxy_name, change, source, reason)
    select old.tenant_id, proxy_group_id, old.id, old.name, 'left', source, 'proxy_deleted' from removed;
  return old;
end $$;
create trigger envoy_proxies_leaving before delete on envoy_proxies for each row execute function efms_proxy_leaves_groups();

create table enrolment_tokens (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null check (name <> ''),
  token_hash bytea not null,
  group_id uuid,
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  max_uses integer not null check (max_uses > 0),
  expires_at timestamptz not null,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint enrolment_tokens_name_key unique (tenant_id, name),
  constraint enrolment_tokens_group_fkey foreign key (tenant_id, group_id) references proxy_groups (tenant_id, id)
);
create index enrolment_tokens_group on enrolment_tokens (tenant_id, group_id) where group_id is not null;
select efms_protect('enrolment_tokens');
select efms_track_edits('enrolment_tokens');

-- One row per use; the row of the token is locked while uses are counted. A use stays used when its proxy is deleted.
create table enrolments (
  tenant_id uuid not null,
  enrolment_token_id uuid not null,
  proxy_id uuid not null,
  proxy_name text not null,
  enrolled_at timestamptz not null default now(),
  primary key (tenant_id, enrolment_token_id, proxy_id),
  foreign key (tenant_id, enrolment_token_id) references enrolment_tokens (tenant_id, id) on delete cascade
);
select efms_protect('enrolments');
