"""No process serves before its start is on record, with the settings it has; and one that dies is told of."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.conf import settings as conf

from audit import log, programs
from audit.errors import LogUnavailable
from audit.models import AuditEvent
from pacs import names, starting
from tests.conftest import Installation

SERVE = """
import django; django.setup()
from pacs import start
start.serving("worker")
print("serving", flush=True)
input()
"""


def begun(place: Installation, **extra: str) -> "subprocess.Popen[str]":
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", SERVE], env={**place.environment, **extra}, text=True, cwd=conf.BASE_DIR, **pipes
    )


def ended(process: "subprocess.Popen[str]", *, kill: bool = False) -> str:
    """End a process that serves, in order or at once; return what it said on its way."""
    assert process.stdout is not None
    assert process.stdout.readline() == "serving\n"
    if kill:
        process.send_signal(signal.SIGKILL)
    _, said = process.communicate("\n", timeout=60)
    return said


def record() -> list[tuple[str, str]]:
    rows = AuditEvent.objects.filter(action__in=("program:started", "program:stopped", "setting:changed"))
    return list(rows.order_by("seq").values_list("action", "outcome"))


def newest(action: str) -> dict[str, Any]:
    return log.open_details(AuditEvent.objects.filter(action=action).latest("seq")) or {}


STARTED, STOPPED, CHANGED = ("program:started", "ok"), ("program:stopped", "ok"), ("setting:changed", "ok")
DIED = ("program:stopped", "failed")


def test_a_start_and_an_end_are_on_record_with_the_settings_in_force(installation: Installation) -> None:
    ended(begun(installation, PACS_TRASH_DAYS="12"))
    assert record() == [STARTED, STOPPED]
    told, stopped = newest("program:started"), newest("program:stopped")
    assert told["settings"]["PACS_TRASH_DAYS"] == "12"
    assert told["process"] == stopped["process"]
    assert told["version"] == starting.version()
    assert not list((installation.data / "running").iterdir())


def test_a_setting_that_differs_is_told_once_with_before_and_now(installation: Installation) -> None:
    ended(begun(installation, PACS_TRASH_DAYS="12"))
    both = [begun(installation, PACS_TRASH_DAYS="13") for _ in range(2)]
    for one in both:
        ended(one)
    assert record().count(CHANGED) == 1
    assert newest("setting:changed") == {"setting": "PACS_TRASH_DAYS", "before": "12", "now": "13"}
    ended(begun(installation, PACS_TRASH_DAYS="13"))
    assert record().count(CHANGED) == 1


def test_a_process_that_was_killed_is_told_of_by_the_next_start_and_only_once(installation: Installation) -> None:
    ended(begun(installation), kill=True)
    killed = newest("program:started")["process"]
    assert record() == [STARTED]
    ended(begun(installation))
    assert record() == [STARTED, DIED, STARTED, STOPPED]
    died = AuditEvent.objects.get(action="program:stopped", outcome="failed")
    assert (log.open_details(died) or {})["process"] == killed
    ended(begun(installation))
    assert record().count(DIED) == 1


def test_one_that_lives_is_not_taken_for_dead(installation: Installation) -> None:
    living = begun(installation)
    assert living.stdout is not None
    assert living.stdout.readline() == "serving\n"
    ended(begun(installation))
    assert DIED not in record()
    living.communicate("\n", timeout=60)
    assert record() == [STARTED, STARTED, STOPPED, STOPPED]


@contextmanager
def taken(place: Installation) -> Iterator[None]:
    """Somebody holds SQLite's one turn to write."""
    with closing(sqlite3.connect(place.data / "index.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_while_its_start_cannot_be_recorded_a_process_waits_and_says_why(installation: Installation) -> None:
    with taken(installation):
        process = begun(installation)
        time.sleep(6)
        assert process.poll() is None
        assert record() == []
    said = ended(process)
    assert "its start cannot be recorded" in said
    assert record() == [STARTED, STOPPED]


def test_a_start_that_fails_leaves_nothing_that_would_be_taken_for_a_death(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_events: object) -> None:
        raise LogUnavailable("The record cannot be written.")

    with monkeypatch.context() as patched:
        patched.setattr(log, "append", failing)
        with pytest.raises(LogUnavailable):
            programs.started("web", "1", {})
    programs.stopped(programs.started("web", "1", {}))
    assert record() == [STARTED, STOPPED]


def test_settings_on_record_that_were_changed_do_not_pass_for_the_last_ones(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.stopped(programs.started("web", "1", {"PACS_TLS": "self"}))
    monkeypatch.setattr(log, "open_details", lambda _event: None)
    programs.stopped(programs.started("web", "1", {"PACS_TLS": "self"}))
    assert record().count(CHANGED) == 2


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("postgres://custos:p@ss/wo:rd@db:5432/custos", "postgres://custos@db:5432/custos"),
        ("redis://:secret@127.0.0.1:6379/1", "redis://@127.0.0.1:6379/1"),
        ("pkcs11:token=custos;object=root?pin-value=1234&module-path=/x", "pkcs11:token=custos;object=root?…"),
        ("postgres://db/custos?password=secret", "postgres://db/custos?…"),
        (("a", "b"), "a,b"),
        (("redis://u:s@h", "x"), "redis://u@h,x"),
        (30, "30"),
        (None, ""),
    ],
)
def test_no_password_or_pin_of_a_url_goes_on_record(value: object, kept: str) -> None:
    assert starting.shown(value) == kept


def test_of_every_setting_it_is_decided_whether_its_value_goes_on_record() -> None:
    told, untold = set(starting.TOLD), set(starting.UNTOLD)
    assert told | untold == names.NAMES
    assert not told & untold
    assert "PACS_SECRET_KEY" in untold


def test_every_setting_on_record_is_read_where_the_program_reads_it(settings: Any) -> None:
    assert [name for name in starting.TOLD if not hasattr(settings, name)] == []


def test_the_version_is_that_of_the_newest_release(tmp_path: Any, settings: Any) -> None:
    settings.BASE_DIR = tmp_path
    assert starting.version() == "unknown"
    write: Callable[[str], object] = (tmp_path / "CHANGELOG.md").write_text
    write("# Changelog\n\n## Unreleased\n\n* x\n\n## 1.4.0 - 2026-03-01\n\n## 1.3.0\n")
    assert starting.version() == "1.4.0"
