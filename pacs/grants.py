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
        cursor.execute(
            "SELECT relname, relispartition FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        for table, is_part in cursor.fetchall():
            _settle(cursor, table, program, is_part=is_part)
        _run(cursor, "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {program}", program=program)
    connection.close()


def _settle(cursor: Any, table: str, program: str, *, is_part: bool) -> None:
    """Take every right on one table, then give those it should have; parts are reached by the whole alone."""
    _run(cursor, "REVOKE ALL ON TABLE {table} FROM {program}", table=table, program=program)
    if is_part:
        return
    rights = "SELECT, INSERT, UPDATE, DELETE"
    if table in APPEND_ONLY:
        rights = "SELECT, INSERT"
    elif table in OWNERS_ONLY:
        rights = "SELECT"
    _run(cursor, f"GRANT {rights} ON TABLE {{table}} TO {{program}}", table=table, program=program)


def _run(cursor: Any, statement: str, **names: str) -> None:
    cursor.execute(sql.SQL(statement).format(**{name: sql.Identifier(value) for name, value in names.items()}))
