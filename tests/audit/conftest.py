"""Somebody to write into the log, and a way to reach the log's tables past the program."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import connection

from audit import checkpoints, log, verify
from audit.actions import Action, Outcome
from audit.events import Event
from audit.models import AuditEvent
from audit.receipts import Who
from tests.conftest import Installation

STUDY = "1.2.826.0.1.3680043.10.1"
Make = Callable[..., Event]
Unguarded = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def who() -> Who:
    return Who("person", "person:4b1c", "weber", "clinician", "127.0.0.1", "", "0123456789abcdef", "r1")


@pytest.fixture
def event(who: Who) -> Callable[..., Event]:
    """Make an event; anything may be given otherwise."""

    def make(action: Action = Action.VIEW, outcome: Outcome = Outcome.OK, **given: object) -> Event:
        return Event(action, outcome, who, **{"study_uid": STUDY, **given})  # type: ignore[arg-type]

    return make


@pytest.fixture
def unguarded() -> Callable[[], AbstractContextManager[None]]:
    """Drop the triggers as the owner of the database could, and put them back."""

    @contextmanager
    def open_up() -> Iterator[None]:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                triggers = cursor.fetchall()
                for name, _ in triggers:
                    cursor.execute(f"DROP TRIGGER {name}")
            else:
                for table in ("audit_event", "audit_listed", "audit_checkpoint"):
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                for _, sql in triggers:
                    cursor.execute(sql)
            else:
                for table in ("audit_event", "audit_listed", "audit_checkpoint"):
                    cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change")
                    cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_sweep")

    return open_up


@pytest.fixture
def written(installation: Installation, event: Make) -> int:
    """A log with a signed head in its middle and one at its end; returns how many rows it has."""
    for number in range(12):
        log.commit([event(count=number, details={"n": number}), event(listed=("1.2", "1.3"))])
        if number == 5:
            assert checkpoints.sign_due(at_once=True)
    assert checkpoints.sign_due(at_once=True)
    report = verify.run()
    assert (report.code, report.findings) == (0, [])
    assert report.rows == AuditEvent.objects.count()
    assert report.signed == 4
    return report.rows
