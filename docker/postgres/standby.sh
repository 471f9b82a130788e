#!/bin/sh
# A standby: copies the primary's data once, and follows it from then on. It has a slot there, so the primary keeps what
# a standby that is away has yet to read, up to max_slot_wal_keep_size.
#
#   standby.sh <name> <host of the primary> <further arguments of postgres>
set -eu

name=$1
primary=$2
shift 2

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # What an earlier try has left: a slot without a copy, or half a copy. Only a whole copy gets its place.
  rm -rf "$PGDATA/copy"
  # In the environment it needs no quotes; the copy's own settings have it from there.
  export PGPASSWORD="$REPLICATION_PASSWORD"
  conninfo="host=$primary user=replicator application_name=$name"
  psql "$conninfo replication=database dbname=$POSTGRES_DB" -q \
    -c "DROP_REPLICATION_SLOT $name" 2> /dev/null || true
  mkdir -p "$PGDATA"
  pg_basebackup -d "$conninfo" --checkpoint=fast -D "$PGDATA/copy" -X stream -C -S "$name" -R
  chmod 0700 "$PGDATA"
  # PG_VERSION last: it says that the rest is there.
  find "$PGDATA/copy" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv {} "$PGDATA" \;
  mv "$PGDATA/copy/PG_VERSION" "$PGDATA"
  rmdir "$PGDATA/copy"
  unset PGPASSWORD
fi

exec postgres "$@"
