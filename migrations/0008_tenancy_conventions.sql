-- What the API's conventions need, and what people and programs do with their accounts.

-- One row per POST that came with an Idempotency-Key, committed with what the request wrote. answer_kept false: the answer carried a
-- secret, so that there is nothing to repeat. Machines write it: no revision, no audit. Rows live a day.
create table idempotency_keys (
  tenant_id uuid not null references tenants (id),
  principal text not null,
  route text not null,
  key text collate "C" not null,
  request_hash bytea not null,
  answer_kept boolean not null,
  status integer not null,
  headers jsonb not null default '{}',
  body text,
  created_at timestamptz not null,
  primary key (tenant_id, principal, route, key)
);
create index idempotency_keys_age on idempotency_keys (tenant_id, created_at);
select efms_protect('idempotency_keys');

-- Orders that lists can be asked for; the one by name has its unique index.
create index proxy_configurations_created on proxy_configurations (tenant_id, created_at, id);
create index proxy_configurations_updated on proxy_configurations (tenant_id, updated_at, id);
create index envoy_proxies_created on envoy_proxies (tenant_id, created_at, id);

-- A person is invited with a token, shown once, and sets the first password with it; the row goes when it is used or replaced.
create table user_invitations (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  token_hash bytea not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index user_invitations_user on user_invitations (tenant_id, user_id);
select efms_protect('user_invitations');
-- The first admin of a tenant is invited in the transaction that makes the tenant.
select efms_system_writes('user_invitations', 'insert');

-- Set when nothing that names the person is left in the row.
alter table users add column anonymised_at timestamptz;

-- When keys were last used, as replicas saw it; written in batches.
create table api_key_status (
  tenant_id uuid not null,
  api_key_id uuid not null,
  last_used_at timestamptz not null,
  primary key (tenant_id, api_key_id),
  foreign key (tenant_id, api_key_id) references api_keys (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select efms_protect('api_key_status');
select efms_system_writes('api_key_status', 'insert, update');

-- Failed logins by e-mail and by address, both as SHA-256, in windows that begin with the first failure. E-mails that nobody has are
-- counted like those that somebody has, before any tenant is known: efms_app sees none of it.
create table login_failures (
  kind text not null check (kind in ('account', 'address')),
  subject_hash bytea not null,
  failures integer not null,
  window_ends_at timestamptz not null,
  primary key (kind, subject_hash)
);
create index login_failures_end on login_failures (window_ends_at);
alter table login_failures enable row level security;
alter table login_failures force row level security;
create policy efms_system_select on login_failures for select to efms_system using (true);
grant select on login_failures to efms_system;
select efms_system_writes('login_failures', 'insert, update, delete');

-- Closing a tenant ends the streams of its proxies, and opening it again lets them back: their heads say that something changed.
create function efms_tenant_switched() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  -- In the order in which everybody locks them.
  perform 1 from proxy_heads where tenant_id = new.id order by proxy_id for update;
  update proxy_heads set credential_epoch = credential_epoch + 1, changed_at = now() where tenant_id = new.id;
  return null;
end $$;
create trigger tenants_switched after update of is_active on tenants for each row
  when (old.is_active is distinct from new.is_active) execute function efms_tenant_switched();
