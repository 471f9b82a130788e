#!/bin/sh
# Run in a standby, once another has been promoted: it follows that one from now on.
#
#   docker compose -f docker/compose.cluster.yml exec postgres-3 sh /docker/follow.sh postgres-2
set -eu

primary=$1
name=$(psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -At -c "SELECT current_setting('primary_slot_name')")
conninfo="host=$primary user=replicator application_name=$name"

# The slot: what is written from now on is kept for us. It may be there from an earlier try.
PGPASSWORD="$REPLICATION_PASSWORD" psql "$conninfo replication=database dbname=$POSTGRES_DB" -q \
  -c "CREATE_REPLICATION_SLOT $name PHYSICAL RESERVE_WAL" 2> /dev/null || true
password=$(printf %s "$REPLICATION_PASSWORD" | sed "s/[\\\\']/\\\\&/g")
psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -q -v ON_ERROR_STOP=1 \
  -v conninfo="$conninfo password='$password'" <<'SQL'
ALTER SYSTEM SET primary_conninfo = :'conninfo';
SELECT pg_reload_conf() \g /dev/null
SQL
