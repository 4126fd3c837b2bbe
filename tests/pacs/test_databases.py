"""From a URL to a database that keeps what it promised."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from pacs.databases import choose_owner, database


def test_a_live_sqlite_connection_syncs_every_commit_and_overwrites_what_is_deleted(installation: Any) -> None:
    with connections["default"].cursor() as cursor:
        names = ("journal_mode", "synchronous", "secure_delete", "recursive_triggers", "foreign_keys", "temp_store")
        found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in names}
    full, memory = 2, 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "secure_delete": 1,
        "recursive_triggers": 1,
        "foreign_keys": 1,
        "temp_store": memory,
    }


def test_transactions_take_the_write_turn_at_once() -> None:
    options = database("sqlite:/x/index.sqlite3", root=Path("/"))["OPTIONS"]
    assert (options["transaction_mode"], options["timeout"]) == ("IMMEDIATE", 20)


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:/a/b.db", "/a/b.db"), ("sqlite:///a/b.db", "/a/b.db"), ("sqlite:b.db", "/project/b.db")],
)
def test_every_spelling_of_a_file_database_is_one_path(url: str, name: str) -> None:
    assert database(url, root=Path("/project"))["NAME"] == name


def test_a_postgres_url_is_taken_apart_with_its_escapes() -> None:
    found = database("postgres://custos:p%40ss%2Fw@db.clinic:5433/archive?sslmode=verify-full", root=Path("/"))
    picked = {key: found[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "CONN_MAX_AGE")}
    assert picked == {
        "NAME": "archive",
        "USER": "custos",
        "PASSWORD": "p@ss/w",
        "HOST": "db.clinic",
        "PORT": "5433",
        "CONN_MAX_AGE": 600,
    }
    assert found["OPTIONS"]["sslmode"] == "verify-full"
    assert "synchronous_commit=on" in found["OPTIONS"]["options"]


@pytest.mark.parametrize("url", ["mysql://h/n", "postgres://h", "sqlite:", "index.sqlite3"])
def test_what_is_no_database_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PACS_DATABASE_URL") as refusal:
        database(url, root=Path("/"))
    assert "//h" not in str(refusal.value)


def test_only_migrations_run_as_the_owner_of_the_tables() -> None:
    for command, chosen in (("migrate", "postgres://owner@h/n"), ("serve", "postgres://program@h/n")):
        environ = {"PACS_DATABASE_URL": "postgres://program@h/n", "PACS_DATABASE_MIGRATE_URL": "postgres://owner@h/n"}
        choose_owner(["manage.py", command], environ)
        assert environ["PACS_DATABASE_URL"] == chosen


def test_the_owner_may_come_from_a_file() -> None:
    environ = {"PACS_DATABASE_URL": "postgres://program@h/n", "PACS_DATABASE_MIGRATE_URL_FILE": "/run/secrets/owner"}
    choose_owner(["manage.py", "migrate"], environ)
    assert environ["PACS_DATABASE_URL_FILE"] == "/run/secrets/owner"
    assert "PACS_DATABASE_URL" not in environ


def test_deleted_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    options = database("sqlite:x", root=tmp_path)["OPTIONS"]
    place = tmp_path / "x"
    kept = sqlite3.connect(place)
    for pragma in options["init_command"].split(";"):
        kept.execute(pragma)
    kept.execute("CREATE TABLE cell (words BLOB)")
    kept.execute("INSERT INTO cell VALUES (?)", (b"wrapped-key-bytes" * 50,))
    kept.commit()
    kept.execute("DELETE FROM cell")
    kept.commit()
    kept.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept.close()
    assert b"wrapped-key-bytes" not in place.read_bytes()
