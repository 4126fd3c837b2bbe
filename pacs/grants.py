"""On Postgres with an owner of its own: what the program's login may do with each table."""

from typing import Any, Final
from urllib.parse import unquote, urlsplit

import psycopg2
from psycopg2 import sql

APPEND_ONLY: Final = ("audit_event", "audit_listed", "audit_checkpoint", "audit_alias")
"""Tables the program may only read and add to; their triggers say the same to everybody."""

OWNERS_ONLY: Final = ("django_migrations",)
"""Tables the program may only read."""


def give(owner_url: str, program_url: str) -> None:
    """Give the program's login what it needs, and take what it must not have; may be repeated."""
    program = unquote(urlsplit(program_url).username or "")
    with psycopg2.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()
        if not program or owner == (program,):
            return
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        for (table,) in cursor.fetchall():
            _settle(cursor, table, program)
        _run(cursor, "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {program}", program=program)
    connection.close()


def _settle(cursor: Any, table: str, program: str) -> None:
    """Take every right on one table, then give those it should have."""
    rights = "SELECT, INSERT, UPDATE, DELETE"
    if table in APPEND_ONLY:
        rights = "SELECT, INSERT"
    elif table in OWNERS_ONLY:
        rights = "SELECT"
    _run(cursor, "REVOKE ALL ON TABLE {table} FROM {program}", table=table, program=program)
    _run(cursor, f"GRANT {rights} ON TABLE {{table}} TO {{program}}", table=table, program=program)


def _run(cursor: Any, statement: str, **names: str) -> None:
    cursor.execute(sql.SQL(statement).format(**{name: sql.Identifier(value) for name, value in names.items()}))
