"""The servers verify the record by themselves, and tell what somebody did to it in the database."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.e2e.conftest import SetUp
from tests.e2e.running import Archive, running, wait_for


def ask(database: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_a_night_that_was_slept_through_is_verified_after_the_start(site: SetUp, tmp_path: Path) -> None:
    root = tmp_path / "custos"
    shutil.copytree(site.root, root)
    database = root / "data" / "index.sqlite3"
    for (trigger,) in ask(database, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        ask(database, f"DROP TRIGGER {trigger}")
    # The record is made older than last night, which is what is found then.
    ask(database, f"UPDATE audit_event SET time_us = time_us - {2 * 86_400_000_000} WHERE seq = 1")
    with running(Archive(root, site.extra)):
        # The signer finds the same, and folds its words into the same alert: what the night left is its verdict.
        verdict = "SELECT outcome FROM audit_event WHERE action = 'log:verified' AND actor_name = 'verify'"
        assert wait_for(lambda: ask(database, verdict), 60, "the verification of the night") == [("failed",)]
        ((told,),) = ask(database, "SELECT message FROM audit_alert WHERE kind = 'tampering'")
        assert "row 1 was edited" in told
        assert ask(database, "SELECT count(*) FROM archive_job WHERE kind = 'verify'") == [(1,)]
