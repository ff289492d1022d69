-- efms: no-transaction
-- Accounts by time of creation; without an index a page of them sorted all that there are. One that a broken build left is made anew.
drop index concurrently if exists users_created;
create index concurrently users_created on users (tenant_id, created_at, id);
drop index concurrently if exists api_keys_created;
create index concurrently api_keys_created on api_keys (tenant_id, created_at, id) where is_active;
drop index concurrently if exists tenants_created;
create index concurrently tenants_created on tenants (created_at, id);
