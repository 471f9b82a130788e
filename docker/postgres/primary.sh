#!/bin/sh
# Runs once, when the primary's data are made: the image does that with everything in /docker-entrypoint-initdb.d. The
# standbys copy the settings with the data.
set -eu

psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v password="$REPLICATION_PASSWORD" <<'SQL'
CREATE ROLE replicator REPLICATION LOGIN PASSWORD :'password';
-- From the next start on: there is no standby yet that a commit could wait for. Whichever of the three is the primary
-- waits for one of the others.
ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (postgres_1, postgres_2, postgres_3)';
-- A slot keeps what a standby that is away has yet to read, but not for ever.
ALTER SYSTEM SET max_slot_wal_keep_size = '4GB';
-- Both standbys copy the data at the same time. The checkpoint that one copy begins with can remove a segment which the
-- other's slot has just reserved, unless the last few are kept whatever slots say.
ALTER SYSTEM SET wal_keep_size = '64MB';
SQL

echo "host replication replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
