#!/bin/sh
# Reads what backup.sh wrote into the empty database at DATABASE_URL, all of it
# or nothing:
#   restore.sh FILE
# Then run byeolshow migrate, and only then the API and the workers.
set -eu
file=$1
tables=$(psql --no-psqlrc --tuples-only --no-align --dbname "$DATABASE_URL" --command \
  "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
if [ "$tables" != 0 ]; then
  echo "restore.sh: the database is not empty: it has $tables tables" >&2
  exit 1
fi
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname "$DATABASE_URL" "$file"
# Broadcasts reserved after the backup have workflows under their ids, which
# therefore must not be given to others.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$DATABASE_URL" --output /dev/null --command \
  "SELECT setval(pg_get_serial_sequence('media_stream', 'vod_id'), nextval(pg_get_serial_sequence('media_stream', 'vod_id')) + 100000)"
