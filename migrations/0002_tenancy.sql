-- Tenancy: who may act in a tenant and what they prove it with.
--
-- E-mails, API keys and refresh tokens are found before the tenant is known, through credential_index; that is also what keeps
-- them unique across tenants. Kinds: 'email' (subject: the user), 'api_key' and 'refresh_token' (subject: the row).

-- permissions: {"proxies:write": true, "configurations:write": false}; true widens the role, false narrows it.
create table users (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  email text not null check (email = lower(email) and email <> ''),
  username text not null check (username <> ''),
  full_name text not null default '',
  password_hash text,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  permissions jsonb not null default '{}' check (jsonb_typeof(permissions) = 'object'),
  auth_provider text not null default 'local' check (auth_provider in ('local', 'oidc')),
  external_issuer text,
  external_subject text,
  role_override boolean not null default false,
  platform_admin boolean not null default false,
  is_active boolean not null default true,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint users_email_key unique (tenant_id, email),
  constraint users_username_key unique (tenant_id, username),
  constraint users_external_key unique (tenant_id, external_issuer, external_subject),
  check (auth_provider = 'local' or (external_issuer is not null and external_subject is not null))
);
select efms_protect('users');
select efms_track_edits('users');
-- The first admin of a tenant is made with the tenant, in one transaction.
select efms_system_writes('users', 'insert');
select efms_system_writes('credential_index', 'insert');
-- People are deactivated and anonymised, so that what they did keeps a name.
revoke delete on users from efms_app;

-- permissions null: all that the user may; otherwise a list of "resource:action" that the key is narrowed to.
create table api_keys (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  name text not null check (name <> ''),
  key_prefix text not null,
  key_hash bytea not null,
  permissions jsonb check (jsonb_typeof(permissions) = 'array'),
  expires_at timestamptz,
  is_active boolean not null default true,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index api_keys_user on api_keys (tenant_id, user_id);
create unique index api_keys_name_key on api_keys (tenant_id, name) where is_active;
select efms_protect('api_keys');
select efms_track_edits('api_keys');

-- A family is one login. Each refresh uses a token up and adds the next; a used token that comes again revokes the family.
create table refresh_tokens (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  family_id uuid not null,
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
create index refresh_tokens_family on refresh_tokens (tenant_id, family_id);
create index refresh_tokens_user on refresh_tokens (tenant_id, user_id);
select efms_protect('refresh_tokens');

-- The key that the tenant's secrets are sealed with, itself sealed under the master key that master_key_id names.
create table tenant_data_keys (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  wrapped_key text not null,
  master_key_id text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
select efms_protect('tenant_data_keys');
select efms_system_writes('tenant_data_keys', 'insert');
