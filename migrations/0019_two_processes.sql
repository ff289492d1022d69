-- Since when two processes are connected as the proxy, where an alert was raised over it; null: none stands (SPEC.md §4.5).
alter table proxy_status add column two_processes_since timestamptz;
create index proxy_status_two_processes on proxy_status (tenant_id, proxy_id) where two_processes_since is not null;
