#!/bin/sh
# Stands in for the entry point of PostgreSQL's image where that cannot be pulled: takes POSTGRES_PASSWORD, keeps its data below the
# volume, and runs the binaries of the embedded PostgreSQL as a user of their own.
set -eu
data=/var/lib/postgresql/18/docker
as_postgres='setpriv --reuid 999 --regid 999 --clear-groups'
if [ ! -e "$data/PG_VERSION" ]; then
  mkdir -p "$data"
  chown -R 999:999 /var/lib/postgresql
  echo "$POSTGRES_PASSWORD" >/tmp/password
  chmod 644 /tmp/password
  $as_postgres initdb -D "$data" -U postgres -A scram-sha-256 --pwfile=/tmp/password -E UTF8 --locale=C --no-instructions
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
fi
exec $as_postgres postgres -D "$data" -c 'listen_addresses=*' -c unix_socket_directories=/tmp
