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
