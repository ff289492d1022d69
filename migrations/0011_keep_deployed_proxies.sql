-- A proxy that a deployment is moving cannot be deleted: the deployment has to end first (DATA.md, "Keys, deletion, history").

-- The row is locked before the look, so that a deployment that is just taking the proxy is waited for and seen.
create function efms_keep_deployed_proxy() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  perform 1 from envoy_proxies where tenant_id = old.tenant_id and id = old.id for update;
  if exists (select 1 from configuration_deployment_targets
              where tenant_id = old.tenant_id and envoy_proxy_id = old.id and active) then
    raise foreign_key_violation using message = 'a deployment that has not ended has this proxy';
  end if;
  return old;
end $$;
create trigger envoy_proxies_kept_while_deployed before delete on envoy_proxies
  for each row execute function efms_keep_deployed_proxy();
