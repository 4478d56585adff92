#!/bin/sh
# Writes the database at DATABASE_URL to a file, while everything runs:
#   backup.sh FILE
# Needs pg_dump of at least the server's version.
set -eu
file=$1
umask 077
pg_dump --format=custom --no-owner --no-privileges --file "$file.partial" --dbname "$DATABASE_URL"
pg_restore --list "$file.partial" >/dev/null
mv "$file.partial" "$file"
