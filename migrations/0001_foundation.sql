-- Foundation: the functions that every later migration protects its tables with, and the tables of common/.
--
-- For a table that belongs to tenants, after CREATE TABLE:
--   select efms_protect('things');                          row-level security, policies and grants; every table
--   select efms_track_edits('things');                      revision, updated_at and audit; tables that people edit
--   select efms_system_writes('things', 'insert, update');  what efms_system may write beyond reading; also list it in system-writes.ts

-- The policy is one equality, so that an index on tenant_id serves it; in a sub-select, so that it is evaluated once per statement.
-- nullif: after a transaction that set it, the setting of a pooled connection is '' and not NULL.
create function efms_protect(target regclass, tenant_column name default 'tenant_id') returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  mine text := format('%I = (select nullif(current_setting(''app.current_tenant'', true), '''')::uuid)', tenant_column);
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy efms_tenant on %s to efms_app using (%s) with check (%s)', target, mine, mine);
  execute format('create policy efms_system_select on %s for select to efms_system using (true)', target);
  execute format('grant select, insert, update, delete on %s to efms_app', target);
  execute format('grant select on %s to efms_system', target);
end $$;

create function efms_system_writes(target regclass, commands text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  command text;
begin
  foreach command in array regexp_split_to_array(lower(trim(commands)), '\s*,\s*') loop
    execute format('create policy %I on %s for %s to efms_system %s', 'efms_system_' || command, target, command,
      case command
        when 'insert' then 'with check (true)'
        when 'update' then 'using (true) with check (true)'
        when 'delete' then 'using (true)'
      end);
    execute format('grant %s on %s to efms_system', command, target);
  end loop;
end $$;

create function efms_is_secret_column(column_name text) returns boolean
language sql immutable set search_path = public, pg_temp as $$
  select column_name in ('password', 'secret', 'token', 'ciphertext', 'wrapped_key', 'private_key', 'private_key_pem',
                         'password_hash', 'key_hash', 'token_hash', 'lookup_hash', 'secret_data', 'client_secret')
      or column_name like any (array['%\_password', '%\_secret', '%\_token', '%\_ciphertext', '%\_private\_key'])
$$;

create function efms_bump_revision() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if new is distinct from old then
    new.revision := old.revision + 1;
    new.updated_at := now();
  end if;
  return new;
end $$;

-- One audit row per row changed: {"column": {"old": …, "new": …}} of the columns that differ, secrets by name only.
create function efms_audit() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
  was jsonb := case when tg_op = 'INSERT' then '{}'::jsonb else to_jsonb(old) end;
  is_now jsonb := case when tg_op = 'DELETE' then '{}'::jsonb else to_jsonb(new) end;
  subject jsonb := case when tg_op = 'DELETE' then was else is_now end;
  actor jsonb := coalesce(nullif(current_setting('app.actor', true), '')::jsonb, '{}'::jsonb);
  changed jsonb;
begin
  select coalesce(jsonb_object_agg(key, case
           when efms_is_secret_column(key) then to_jsonb('[redacted]'::text)
           when tg_op = 'INSERT' then jsonb_build_object('new', is_now -> key)
           when tg_op = 'DELETE' then jsonb_build_object('old', was -> key)
           else jsonb_build_object('old', was -> key, 'new', is_now -> key)
         end), '{}'::jsonb)
    into changed
    from jsonb_object_keys(was || is_now) as key
   where was -> key is distinct from is_now -> key and key not in ('revision', 'updated_at');
  insert into audit_logs (created_at, id, tenant_id, actor_kind, actor_id, actor_name, action, resource_type, resource_id, resource_name,
                          changes, ip_address, user_agent, request_id, outcome)
  values (clock_timestamp(), gen_random_uuid(),
          (subject ->> case when tg_table_name = 'tenants' then 'id' else 'tenant_id' end)::uuid,
          coalesce(actor ->> 'kind', 'system'), actor ->> 'id', coalesce(actor ->> 'name', current_user),
          case tg_op when 'INSERT' then 'create' when 'UPDATE' then 'update' else 'delete' end,
          tg_table_name, subject ->> 'id', subject ->> 'name', changed,
          (actor ->> 'ip')::inet, actor ->> 'userAgent', actor ->> 'requestId', 'success');
  return null;
end $$;

-- Expects the columns id, revision bigint and updated_at. An update that changes nothing neither raises the revision nor is audited.
create function efms_track_edits(target regclass) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  execute format('create trigger efms_revision before update on %s for each row execute function efms_bump_revision()', target);
  execute format('create trigger efms_audit_change after update on %s for each row
    when (old.* is distinct from new.*) execute function efms_audit()', target);
  execute format('create trigger efms_audit_row after insert or delete on %s for each row execute function efms_audit()', target);
end $$;

create table tenants (
  id uuid primary key,
  name text not null constraint tenants_name_key unique check (name <> ''),
  description text not null default '',
  metadata jsonb not null default '{}',
  is_active boolean not null default true,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  closed_at timestamptz
);
select efms_protect('tenants', 'id');
revoke insert, delete on tenants from efms_app;
select efms_system_writes('tenants', 'insert, update');
select efms_track_edits('tenants');

-- Finds the tenant of a credential before any tenant is known, and keeps e-mails and credentials unique across tenants.
create table credential_index (
  kind text not null,
  lookup_hash bytea not null,
  tenant_id uuid not null references tenants (id),
  subject_id uuid not null,
  primary key (kind, lookup_hash)
);
create index credential_index_subject on credential_index (tenant_id, subject_id);
select efms_protect('credential_index');

-- Append-only. Tenant null: an event of the platform, seen by efms_system only. No foreign keys: history outlives what it tells of.
create table audit_logs (
  created_at timestamptz not null default clock_timestamp(),
  id uuid not null,
  tenant_id uuid,
  actor_kind text not null,
  actor_id text,
  actor_name text not null,
  action text not null,
  resource_type text not null,
  resource_id text,
  resource_name text,
  changes jsonb not null default '{}',
  ip_address inet,
  user_agent text,
  request_id text,
  outcome text not null default 'success' check (outcome in ('success', 'denied', 'failure')),
  primary key (created_at, id)
) partition by range (created_at);
create index audit_logs_tenant on audit_logs (tenant_id, created_at, id);
create index audit_logs_resource on audit_logs (tenant_id, resource_type, resource_id, created_at);

create function efms_protect_append_only(target regclass) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  perform efms_protect(target);
  perform efms_system_writes(target, 'insert');
  execute format('revoke update, delete on %s from efms_app', target);
end $$;
select efms_protect_append_only('audit_logs');

-- Makes the partitions of this month and of so many months after it, each protected as its parent is, for a query may name it directly.
create function efms_make_audit_partitions(months integer) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  first timestamp := date_trunc('month', now() at time zone 'UTC');
  lower_bound timestamp;
  partition text;
begin
  for i in 0..months loop
    lower_bound := first + make_interval(months => i);
    partition := 'audit_logs_' || to_char(lower_bound, 'YYYY_MM');
    continue when to_regclass(partition) is not null;
    execute format('create table %I partition of audit_logs for values from (%L) to (%L)', partition,
      to_char(lower_bound, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(lower_bound + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    perform efms_protect_append_only(partition::regclass);
  end loop;
end $$;
select efms_make_audit_partitions(3);

-- Facts told to other modules, in the transaction that makes them true. Readers: outbox.ts.
create table outbox_events (
  xid xid8 not null default pg_current_xact_id(),
  id uuid not null,
  tenant_id uuid not null,
  type text not null,
  subject_id text not null,
  payload jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id)
);
create index outbox_events_order on outbox_events (xid, id);
select efms_protect('outbox_events');
revoke update, delete on outbox_events from efms_app;
select efms_system_writes('outbox_events', 'insert, delete');

-- From here on tables that hold nothing of a tenant and are kept by efms_system.
create table outbox_cursors (
  consumer text primary key,
  xid xid8 not null,
  id uuid not null
);
grant select, insert, update, delete on outbox_cursors to efms_system;

-- efms_app proves a lease by locking its row, for which PostgreSQL wants the right to update it; the policy lets no update through.
create table leases (
  name text primary key,
  owner text not null,
  epoch bigint not null check (epoch > 0),
  expires_at timestamptz not null
);
alter table leases enable row level security;
alter table leases force row level security;
create policy efms_fence_select on leases for select to efms_app using (true);
create policy efms_fence_lock on leases for update to efms_app using (true) with check (false);
create policy efms_system_all on leases to efms_system using (true) with check (true);
grant select, update (name) on leases to efms_app;
grant select, insert, update, delete on leases to efms_system;

-- Raised by a restore, so that whatever was decided before it shows as old.
create table fleet_epoch (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null
);
insert into fleet_epoch (epoch) values (1);
grant select on fleet_epoch to efms_app, efms_system;
