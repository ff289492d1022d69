-- The audit log as people search it, and the chain of hashes that shows what was changed or removed in it.

-- A row is named as people name it: accounts by their e-mail.
create or replace function efms_audit() returns trigger
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
          tg_table_name, subject ->> 'id', coalesce(subject ->> 'name', subject ->> 'email', subject ->> 'username'), changed,
          (actor ->> 'ip')::inet, actor ->> 'userAgent', actor ->> 'requestId', 'success');
  return null;
end $$;

create index audit_logs_actor on audit_logs (tenant_id, actor_id, created_at, id);
create index audit_logs_refused on audit_logs (tenant_id, created_at, id) where outcome <> 'success';

-- Rows are chained in the order of the transactions that wrote them, once none can commit before: times and ids are given before COMMIT.
alter table audit_logs add column xid xid8 not null default pg_current_xact_id();
create index audit_logs_order on audit_logs (xid, created_at, id);

-- One link per row of audit_logs, numbered without gaps from 1 in each tenant; rows of the platform belong to the nil UUID. `hash` covers
-- the row and the hash before it; how, stands in src/observability/services/audit-links.ts.
create table audit_chain (
  tenant_id uuid not null,
  number bigint not null check (number > 0),
  audit_created_at timestamptz not null,
  audit_id uuid not null,
  hash bytea not null check (length(hash) = 32),
  chained_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, number),
  unique (tenant_id, audit_created_at, audit_id)
);
select efms_protect_append_only('audit_chain');
revoke insert on audit_chain from efms_app;

-- How far the log is chained, over all tenants. Its one row is locked by whoever chains on.
create table audit_chain_position (
  singleton boolean primary key default true check (singleton),
  xid xid8 not null,
  audit_created_at timestamptz not null,
  audit_id uuid not null
);
insert into audit_chain_position (xid, audit_created_at, audit_id)
  values ('0', '-infinity', '00000000-0000-0000-0000-000000000000');
grant select on audit_chain_position to efms_app, efms_system;
grant update on audit_chain_position to efms_system;
