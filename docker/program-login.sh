#!/usr/bin/env bash
# Runs once, when the database is made: a login for the program, beside the owner that migrates. It owns no table and
# has no right yet; `manage.py setup` gives it what it needs.
set -euo pipefail
password=$(cat "$PROGRAM_PASSWORD_FILE")
psql --set ON_ERROR_STOP=1 --set password="$password" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE custos LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE custos TO custos;
GRANT USAGE ON SCHEMA public TO custos;
SQL
