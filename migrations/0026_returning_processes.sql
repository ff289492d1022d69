-- By what a process of a proxy is known when it comes back: the boot ids of the last few, for two of them may live side by side, and the stream
-- by which the newest was seen, which is judged again where it could not be served at once (SPEC.md §4.5, "No crash loops").
alter table proxy_processes
  add column boot_ids text[] not null default '{}',
  add column stream_id uuid;
