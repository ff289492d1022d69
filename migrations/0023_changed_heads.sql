-- Heads that changed since a replica last looked, so that a look costs what changed and not how many proxies there are.

-- The transaction that changed the head last. Whoever looks remembers the oldest transaction that was still running then, and asks the next
-- time for all that changed in it or later: what was committed late is found all the same. By a trigger, so that nobody can forget it,
-- not even a release of before.
alter table proxy_heads add column changed_xid xid8 not null default pg_current_xact_id();
create index proxy_heads_changed on proxy_heads (changed_xid);

create function efms_head_changed() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  new.changed_xid := pg_current_xact_id();
  new.changed_at := now();
  return new;
end $$;
create trigger proxy_heads_changed before update on proxy_heads for each row execute function efms_head_changed();

-- A proxy that is deleted takes its head with it; here stands for a day that it is gone, so that its streams end at once everywhere.
create table proxy_removals (
  tenant_id uuid not null references tenants (id),
  proxy_id uuid not null,
  removed_xid xid8 not null default pg_current_xact_id(),
  removed_at timestamptz not null default now(),
  primary key (tenant_id, proxy_id)
);
create index proxy_removals_changed on proxy_removals (removed_xid);
create index proxy_removals_age on proxy_removals (tenant_id, removed_at);
select efms_protect('proxy_removals');

create function efms_proxy_removed() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  delete from proxy_removals where tenant_id = old.tenant_id and removed_at < now() - interval '1 day';
  insert into proxy_removals (tenant_id, proxy_id) values (old.tenant_id, old.id) on conflict do nothing;
  return null;
end $$;
create trigger envoy_proxies_removed after delete on envoy_proxies for each row execute function efms_proxy_removed();
