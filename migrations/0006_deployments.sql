-- Deployments: which proxies are moved to which version, how far that has come, and why each decision was made.

create table configuration_deployments (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  -- The references go with what they name; name, number and hash stay, so that history still tells what was deployed.
  configuration_id uuid,
  configuration_name text not null,
  configuration_version_id uuid,
  version_number integer not null,
  snapshot_hash text not null,
  deployment_strategy text not null check (deployment_strategy in ('immediate', 'rolling', 'canary', 'blue_green')),
  deployment_config jsonb not null default '{}',
  on_failure jsonb not null default '{}',
  timeout_seconds integer not null check (timeout_seconds > 0),
  disconnected text not null check (disconnected in ('wait', 'skip')),
  status text not null default 'pending' check (status in ('pending', 'scheduled', 'running', 'paused', 'halted', 'rolling_back',
    'rolled_back', 'rollback_failed', 'succeeded', 'aborted', 'superseded')),
  scheduled_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  -- When the engine last looked at the targets; between two looks nobody knows whether a proxy was connected.
  judged_at timestamptz,
  total_targets integer not null default 0,
  successful_targets integer not null default 0,
  failed_targets integer not null default 0,
  notes text not null default '',
  rollback_from_id uuid,
  error_details jsonb,
  created_by_kind text not null,
  created_by_id text,
  created_by_name text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, configuration_id) references proxy_configurations (tenant_id, id) on delete set null (configuration_id),
  foreign key (tenant_id, configuration_version_id) references configuration_versions (tenant_id, id)
    on delete set null (configuration_version_id),
  foreign key (tenant_id, rollback_from_id) references configuration_deployments (tenant_id, id) on delete set null (rollback_from_id)
);
create index configuration_deployments_version on configuration_deployments (tenant_id, configuration_version_id);
create index configuration_deployments_configuration on configuration_deployments (tenant_id, configuration_id);
create index configuration_deployments_rollback on configuration_deployments (tenant_id, rollback_from_id)
  where rollback_from_id is not null;
-- What the engine looks for, across tenants.
create index configuration_deployments_open on configuration_deployments (tenant_id, id) where status in ('pending', 'running');
select efms_protect('configuration_deployments');

create table configuration_deployment_targets (
  tenant_id uuid not null,
  id uuid not null,
  deployment_id uuid not null,
  envoy_proxy_id uuid,
  proxy_name text collate "C" not null,
  step_number integer not null default 1,
  -- Values, not references: what the proxy was given and what it had stays true when a configuration is gone.
  version_id uuid not null,
  snapshot_hash text not null,
  previous_version_id uuid,
  previous_snapshot_hash text,
  status text not null default 'pending' check (status in ('pending', 'assigned', 'succeeded', 'failed', 'skipped')),
  reason text check (reason in ('nack', 'timeout', 'disconnected', 'deleted', 'aborted')),
  error_message text,
  -- True while this deployment decides what the proxy is assigned.
  active boolean not null default true,
  assigned_at timestamptz,
  -- The newest refusal of the same snapshot that was on record before it was assigned; it says nothing about this attempt.
  refused_before timestamptz,
  -- Connected time since the assignment: what is closed, and since when the current stretch runs.
  connected_ms bigint not null default 0,
  connected_from timestamptz,
  completed_at timestamptz,
  primary key (tenant_id, id),
  constraint configuration_deployment_targets_proxy_key unique (tenant_id, deployment_id, envoy_proxy_id),
  foreign key (tenant_id, deployment_id) references configuration_deployments (tenant_id, id) on delete cascade,
  foreign key (tenant_id, envoy_proxy_id) references envoy_proxies (tenant_id, id) on delete set null (envoy_proxy_id)
);
create unique index configuration_deployment_targets_active on configuration_deployment_targets (tenant_id, envoy_proxy_id)
  where active;
create index configuration_deployment_targets_proxy on configuration_deployment_targets (tenant_id, envoy_proxy_id);
create index configuration_deployment_targets_name on configuration_deployment_targets (tenant_id, deployment_id, proxy_name, id);
create index configuration_deployment_targets_open on configuration_deployment_targets (tenant_id, deployment_id)
  where status in ('pending', 'assigned');
select efms_protect('configuration_deployment_targets');

-- Counters by what a statement changed, not by counting again: two statements at once add up under the lock of the deployment's row.
create function efms_count_deployment_targets() returns trigger
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    update configuration_deployments d
       set total_targets = d.total_targets + c.total, successful_targets = d.successful_targets + c.successful,
           failed_targets = d.failed_targets + c.failed
      from (select tenant_id, deployment_id, count(*) as total, count(*) filter (where status = 'succeeded') as successful,
                   count(*) filter (where status = 'failed') as failed
              from added group by tenant_id, deployment_id) c
     where d.tenant_id = c.tenant_id and d.id = c.deployment_id;
  elsif tg_op = 'DELETE' then
    update configuration_deployments d
       set total_targets = d.total_targets - c.total, successful_targets = d.successful_targets - c.successful,
           failed_targets = d.failed_targets - c.failed
      from (select tenant_id, deployment_id, count(*) as total, count(*) filter (where status = 'succeeded') as successful,
                   count(*) filter (where status = 'failed') as failed
              from removed group by tenant_id, deployment_id) c
     where d.tenant_id = c.tenant_id and d.id = c.deployment_id;
  else
    update configuration_deployments d
       set total_targets = d.total_targets + c.total, successful_targets = d.successful_targets + c.successful,
           failed_targets = d.failed_targets + c.failed
      from (select tenant_id, deployment_id, sum(sign) as total, coalesce(sum(sign) filter (where status = 'succeeded'), 0) as successful,
                   coalesce(sum(sign) filter (where status = 'failed'), 0) as failed
              from (select tenant_id, deployment_id, status, 1 as sign from added
                    union all select tenant_id, deployment_id, status, -1 from removed) changed
             group by tenant_id, deployment_id) c
     where d.tenant_id = c.tenant_id and d.id = c.deployment_id and (c.total <> 0 or c.successful <> 0 or c.failed <> 0);
  end if;
  return null;
end $$;
create trigger configuration_deployment_targets_added after insert on configuration_deployment_targets
  referencing new table as added for each statement execute function efms_count_deployment_targets();
create trigger configuration_deployment_targets_changed after update on configuration_deployment_targets
  referencing old table as removed new table as added for each statement execute function efms_count_deployment_targets();
create trigger configuration_deployment_targets_removed after delete on configuration_deployment_targets
  referencing old table as removed for each statement execute function efms_count_deployment_targets();

create table rollout_steps (
  tenant_id uuid not null,
  id uuid not null,
  deployment_id uuid not null,
  step_number integer not null check (step_number > 0),
  step_type text not null check (step_type in ('percentage', 'count', 'pause', 'validation')),
  target_percentage integer check (target_percentage between 1 and 100),
  target_count integer check (target_count > 0),
  pause_duration_seconds integer check (pause_duration_seconds > 0),
  validation_checks jsonb,
  status text not null default 'pending' check (status in ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, deployment_id, step_number),
  foreign key (tenant_id, deployment_id) references configuration_deployments (tenant_id, id) on delete cascade
);
select efms_protect('rollout_steps');

-- The timeline: each decision with its reason and the numbers that it was made on.
create table deployment_events (
  tenant_id uuid not null,
  id uuid not null,
  deployment_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  reason text not null,
  details jsonb not null default '{}',
  primary key (tenant_id, id),
  foreign key (tenant_id, deployment_id) references configuration_deployments (tenant_id, id) on delete cascade
);
create index deployment_events_deployment on deployment_events (tenant_id, deployment_id, at, id);
select efms_protect('deployment_events');
