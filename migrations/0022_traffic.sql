-- Traffic of proxies, as they report it by LRS and by Envoy's metrics service: sums of one minute, and of one hour for longer. Counts and
-- buckets and not rates and percentiles, because only those can be added up over proxies, localities and time. No foreign keys: checking
-- them would write to the proxies' rows all day, and what was seen of a version outlives the proxy that it was seen on.

-- Makes the partitions of a table by `day` or `month` from the one before this on to so many after it, each protected as its parent is.
create function efms_make_traffic_partitions(parent text, every text, ahead integer, commands text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  step interval := ('1 ' || every)::interval;
  first timestamp := date_trunc(every, now() at time zone 'UTC');
  lower_bound timestamp;
  partition text;
begin
  for i in -1..ahead loop
    lower_bound := first + step * i;
    partition := parent || '_' || to_char(lower_bound, case every when 'day' then 'YYYY_MM_DD' else 'YYYY_MM' end);
    continue when to_regclass(partition) is not null;
    execute format('create table %I partition of %I for values from (%L) to (%L)', partition, parent,
      to_char(lower_bound, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(lower_bound + step, 'YYYY-MM-DD') || ' 00:00:00+00');
    perform efms_protect_traffic(partition::regclass, commands);
  end loop;
end $$;

-- Machines write it and people read it.
create function efms_protect_traffic(target regclass, commands text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  perform efms_protect(target);
  execute format('revoke insert, update, delete on %s from efms_app', target);
  perform efms_system_writes(target, commands);
end $$;

-- What proxies sent to endpoints of a cluster in one locality. A row is told apart by its id alone: a replica writes one for each minute that
-- it heard of, so sums are taken when it is read.
create table cluster_metrics (
  tenant_id uuid not null,
  proxy_id uuid not null,
  starts_at timestamptz not null,
  id uuid not null,
  -- What the proxy had in full all the while; null: it changed, or there was none.
  snapshot_hash text,
  cluster text not null,
  region text not null,
  zone text not null,
  sub_zone text not null,
  successes bigint not null check (successes >= 0),
  errors bigint not null check (errors >= 0),
  -- Not sent at all; counted for the cluster, in a row without locality.
  dropped bigint not null check (dropped >= 0),
  primary key (tenant_id, proxy_id, starts_at, id)
) partition by range (starts_at);
create index cluster_metrics_snapshot on cluster_metrics (tenant_id, snapshot_hash, starts_at) where snapshot_hash is not null;
select efms_protect_traffic('cluster_metrics', 'insert');

-- How long requests to a cluster took: [[upper bound in milliseconds, count], …], rising; the bound null lies above all.
create table cluster_latencies (
  tenant_id uuid not null,
  proxy_id uuid not null,
  starts_at timestamptz not null,
  id uuid not null,
  snapshot_hash text,
  cluster text not null,
  buckets jsonb not null check (jsonb_typeof(buckets) = 'array'),
  primary key (tenant_id, proxy_id, starts_at, id)
) partition by range (starts_at);
create index cluster_latencies_snapshot on cluster_latencies (tenant_id, snapshot_hash, starts_at) where snapshot_hash is not null;
select efms_protect_traffic('cluster_latencies', 'insert');

-- The same by the hour, written by a job that does an hour of a tenant again where it was disturbed.
create table cluster_metrics_hourly (like cluster_metrics including constraints including indexes) partition by range (starts_at);
select efms_protect_traffic('cluster_metrics_hourly', 'insert, delete');
create table cluster_latencies_hourly (like cluster_latencies including constraints including indexes) partition by range (starts_at);
select efms_protect_traffic('cluster_latencies_hourly', 'insert, delete');

-- Up to which hour the traffic of a tenant is rolled up.
create table traffic_rollups (
  tenant_id uuid primary key references tenants (id),
  rolled_until timestamptz not null
);
select efms_protect('traffic_rollups');
revoke insert, update, delete on traffic_rollups from efms_app;
select efms_system_writes('traffic_rollups', 'insert, update');

-- Makes the partitions that have to be there ahead (DATA.md): a week of days, and as many months.
create function efms_make_all_traffic_partitions() returns void
language sql set search_path = public, pg_temp as $$
  select efms_make_traffic_partitions('cluster_metrics', 'day', 7, 'insert');
  select efms_make_traffic_partitions('cluster_latencies', 'day', 7, 'insert');
  select efms_make_traffic_partitions('cluster_metrics_hourly', 'month', 3, 'insert, delete');
  select efms_make_traffic_partitions('cluster_latencies_hourly', 'month', 3, 'insert, delete');
$$;
select efms_make_all_traffic_partitions();

-- The partitions of traffic, by the table they belong to, with the times that they hold.
create view traffic_partitions with (security_invoker = true) as
  select parent.relname::text as parent, child.relname::text as name,
         to_timestamp(bound[1], 'YYYY-MM-DD HH24:MI:SS') as holds_from, to_timestamp(bound[2], 'YYYY-MM-DD HH24:MI:SS') as holds_to
    from pg_inherits i
    join pg_class parent on parent.oid = i.inhparent
    join pg_class child on child.oid = i.inhrelid
    cross join lateral regexp_match(pg_get_expr(child.relpartbound, child.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') as bound
   where child.relkind = 'r' and parent.relkind = 'p' and parent.relname in
     ('cluster_metrics', 'cluster_latencies', 'cluster_metrics_hourly', 'cluster_latencies_hourly');
grant select on traffic_partitions to efms_system;

-- Drops the partitions of a table that hold nothing younger than a time.
create function efms_drop_traffic_partitions(of_parent text, before timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  partition text;
begin
  for partition in select name from traffic_partitions where parent = of_parent and holds_to <= before loop
    execute format('drop table %I', partition);
  end loop;
end $$;
