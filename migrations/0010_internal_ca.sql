-- Certificate authorities of the installation, of no tenant. Whichever replica needs one first makes it, and every other takes the
-- same. The private key is sealed under the master key; only efms_system sees the row.
create table ca_keys (
  name text primary key check (name in ('internal')),
  -- PEM; not secret.
  certificate text not null,
  -- PKCS #8, sealed with the name as its place.
  ciphertext text not null,
  master_key_id text not null,
  created_at timestamptz not null default now()
);
grant select, insert on ca_keys to efms_system;
