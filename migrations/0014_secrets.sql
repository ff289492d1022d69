-- Secrets: what proxies are given over SDS. People edit `secrets`; each content is an immutable version, sealed under a data key of
-- the tenant, and a secret has one of them as its current one.

create table secrets (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  name text collate "C" not null check (name <> ''),
  secret_type text not null check (secret_type in ('tlsCertificate', 'validationContext', 'genericSecret', 'sessionTicketKeys')),
  description text not null default '',
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  -- The version that proxies are given.
  current_version integer not null,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  constraint secrets_name_key unique (tenant_id, name)
);
create index secrets_created on secrets (tenant_id, created_at, id);
select efms_protect('secrets');
select efms_track_edits('secrets');

create table secret_versions (
  tenant_id uuid not null,
  id uuid not null,
  secret_id uuid not null,
  number integer not null check (number > 0),
  -- The encoded message, sealed with tenant, table, row and number as its place; it names the data key.
  ciphertext text not null,
  -- An HMAC under the data key, so that it tells contents apart and nothing of them.
  fingerprint text not null,
  findings jsonb not null default '[]' check (jsonb_typeof(findings) = 'array'),
  -- When the first certificate of a chain ends; null for what does not end.
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  created_by_kind text not null,
  created_by_id text,
  created_by_name text not null,
  primary key (tenant_id, id),
  constraint secret_versions_number_key unique (tenant_id, secret_id, number),
  foreign key (tenant_id, secret_id) references secrets (tenant_id, id) on delete cascade
);
select efms_protect('secret_versions');
revoke update on secret_versions from efms_app;

alter table secrets add constraint secrets_current_version_fkey foreign key (tenant_id, id, current_version)
  references secret_versions (tenant_id, secret_id, number) deferrable initially deferred;

-- What the certificates of a version say, the served one first. They are public; the key is in the version alone.
create table certificates (
  tenant_id uuid not null,
  secret_version_id uuid not null,
  position integer not null check (position >= 0),
  certificate_pem text not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  issuer text not null,
  subject text not null,
  san_dns_names jsonb not null default '[]' check (jsonb_typeof(san_dns_names) = 'array'),
  san_ip_addresses jsonb not null default '[]' check (jsonb_typeof(san_ip_addresses) = 'array'),
  san_uris jsonb not null default '[]' check (jsonb_typeof(san_uris) = 'array'),
  serial_number text not null,
  fingerprint_sha256 text not null check (fingerprint_sha256 ~ '^[0-9a-f]{64}$'),
  primary key (tenant_id, secret_version_id, position),
  foreign key (tenant_id, secret_version_id) references secret_versions (tenant_id, id) on delete cascade
);
select efms_protect('certificates');
revoke update on certificates from efms_app;
