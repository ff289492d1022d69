-- What of an Envoy's own settings people choose. Defaults are what replicas of before render, so both run side by side.
--
-- Of the other columns that the first design gave to envoy_proxies, these are not made: envoy_version, which proxies report and which
-- stands in proxy_status; envoy_api_version, since Envoy speaks v3 only; bootstrap_snapshot and bootstrap_hash, since a bootstrap is
-- rendered anew each time from the proxy and the settings of EFMS, and carries a token of which only the hash is kept; status and
-- last_heartbeat, which are connection, connected_at and disconnected_at of proxy_status.

alter table envoy_proxies
  add column admin_address inet not null default '127.0.0.1'
    check (masklen(admin_address) = case family(admin_address) when 4 then 32 else 128 end),
  add column drain_strategy text not null default 'gradual' check (drain_strategy in ('gradual', 'immediate'));
