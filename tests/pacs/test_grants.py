"""On Postgres the program's own login can add to the record and read it, and nothing else, whatever its code does."""

import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from psycopg2 import errors

from pacs.grants import APPEND_ONLY, OWNERS_ONLY, give

pytestmark = pytest.mark.postgres

CHANGES = (
    "UPDATE {t} SET {column} = {column}",
    "DELETE FROM {t}",
    "TRUNCATE {t}",
    "DROP TABLE {t}",
    "ALTER TABLE {t} DISABLE TRIGGER ALL",
)


@pytest.fixture
def program(installation: Any) -> Iterator[Any]:
    """A connection of a login of our own that was given its rights, and dropped after."""
    name, word = f"program_{secrets.token_hex(4)}", secrets.token_hex(8)
    owner = psycopg2.connect(installation.database_url)
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD %s", (word,))
    parts = urlsplit(installation.database_url)
    where = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{name}:{word}@{where}"))
    for _ in range(2):
        give(installation.database_url, url)
    mine = psycopg2.connect(url)
    mine.autocommit = True
    try:
        yield mine
    finally:
        mine.close()
        with owner.cursor() as cursor:
            cursor.execute(f"DROP OWNED BY {name}")
            cursor.execute(f"DROP ROLE {name}")
        owner.close()


def test_the_program_cannot_change_the_record_nor_switch_its_guards_off(program: Any) -> None:
    for table in APPEND_ONLY:
        for statement in CHANGES:
            with program.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")
                with pytest.raises(errors.InsufficientPrivilege):
                    cursor.execute(statement.format(t=table, column="id" if table == "audit_alias" else "log"))


def test_the_program_may_work_with_every_other_table(program: Any) -> None:
    with program.cursor() as cursor:
        cursor.execute(
            "SELECT oid, relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace"
        )
        others = [(oid, name) for oid, name in cursor.fetchall() if name not in (*APPEND_ONLY, *OWNERS_ONLY)]
        assert len(others) > 10
        for oid, name in others:
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                cursor.execute("SELECT has_table_privilege(%s::oid, %s)", (oid, right))
                assert cursor.fetchone()[0], f"{right} on {name}"


def test_every_table_that_triggers_guard_is_guarded_by_grants_too(program: Any) -> None:
    with program.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'audit_refuse'"
            " AND NOT c.relispartition"
        )
        assert {name for (name,) in cursor.fetchall()} == set(APPEND_ONLY)


def test_the_program_cannot_make_tables(program: Any) -> None:
    with program.cursor() as cursor, pytest.raises(errors.InsufficientPrivilege):
        cursor.execute("CREATE TABLE elsewhere (words text)")


def test_the_parts_of_the_record_are_reached_by_the_whole_alone(program: Any) -> None:
    with program.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
        parts = [name for (name,) in cursor.fetchall()]
        assert sorted(parts) == ["audit_event_1", "audit_listed_1"]
        for part in parts:
            for statement in ("SELECT * FROM {}", "INSERT INTO {} (log, seq) VALUES (1, 1)", "DELETE FROM {}"):
                with pytest.raises(errors.InsufficientPrivilege):
                    cursor.execute(statement.format(part))
        cursor.execute("INSERT INTO audit_listed (log, seq, position, study_uid) VALUES (1, 1, 0, '1.2')")
