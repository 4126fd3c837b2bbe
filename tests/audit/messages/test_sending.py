"""A real rsyslog has every row in its file, whatever is killed, and the archive never waits for it."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection

from audit import checkpoints, log
from audit.actions import Action, Outcome
from audit.events import Event
from audit.messages import cursor, frames
from audit.models import Alert, AuditEvent
from tests.audit.messages.collector import Collector
from tests.audit.messages.conftest import settled, until
from tests.conftest import Installation

pytestmark = [pytest.mark.rsyslog]
Make = Callable[..., Event]
RUN = """
import threading, django
django.setup()
from audit.messages import sender
sender.CONNECTION_SECONDS, sender.POLL_SECONDS, sender.LONGEST_PAUSE = 1.0, 0.1, 0.5
sender.run(threading.Event())
"""


def written() -> set[int]:
    return set(AuditEvent.objects.values_list("seq", flat=True))


@pytest.mark.both_databases
def test_what_arrives_validates_and_equals_the_log(
    collector: Collector, point: Callable[[str], None], sending: Callable[[], None], event: Make
) -> None:
    log.commit([event()])
    cursor.rewind(collector.url)
    point(collector.url)
    sending()
    log.commit([event(action, outcome, patient="ab" * 16) for action in Action for outcome in Outcome])
    log.commit([event(Action.SEARCH, listed=("1.2", "1.3"), details={"name": "SECRET^NAME"})])
    assert checkpoints.sign_due(at_once=True)
    until(lambda: settled(collector.url))
    received = {(one.log, one.seq): one for one in collector.received()}
    rows = AuditEvent.objects.order_by("seq")
    assert set(received) == {(row.log, row.seq) for row in rows}
    for row in rows:
        one = received[(row.log, row.seq)]
        said = one.told
        assert (said["row"], said["id"], said["action"]) == (bytes(row.row).hex(), str(row.id), row.action)
        assert said["outcome"] == row.outcome
        assert one.priority == {"ok": 85, "not-found": 85, "denied": 84, "failed": 84}[row.outcome]
    assert "SECRET" not in collector.file.read_text()
    notes = [note for line in collector.lines() for note in frames.notes_in(line)]
    assert len(notes) == 1
    assert checkpoints.reader(1)(notes[0]).size == len(received)


@pytest.mark.both_databases
@pytest.mark.slow
def test_a_collector_killed_again_and_again_has_every_row_in_the_end(
    collector: Collector, point: Callable[[str], None], sending: Callable[[], None], event: Make
) -> None:
    point(collector.url)
    sending()
    until(lambda: cursor.of(collector.url) is not None)
    before = written()
    for number in range(100):
        log.commit([event(count=number * 20 + at) for at in range(20)])
        if number % 25 == 12:
            until(lambda: bool(collector.rows()))
            collector.kill()
            log.commit([event()])
            collector.start()
    until(lambda: settled(collector.url))
    assert len(written() - before) >= 2000
    assert written() - before <= collector.rows()


@pytest.mark.both_databases
@pytest.mark.slow
def test_a_sender_killed_in_the_middle_goes_on_with_nothing_missing(
    installation: Installation, collector: Collector, certificates: Path, event: Make
) -> None:
    cursor.begin(collector.url)
    before = written()
    environment = {
        **installation.environment,
        "PACS_SYSLOG_URL": collector.url,
        "PACS_SYSLOG_CA": str(certificates / "ca.pem"),
        "PACS_SYSLOG_CERT": str(certificates / "archive.pem"),
        "PACS_SYSLOG_KEY": str(certificates / "archive.key"),
    }
    for part in range(4):
        log.commit([event(count=at) for at in range(500)])
        process = subprocess.Popen([sys.executable, "-c", RUN], env=environment)
        try:
            seen = len(collector.rows())
            until(lambda seen=seen: len(collector.rows()) > seen)  # type: ignore[misc]
            if part == 3:
                until(lambda: settled(collector.url))
        finally:
            process.kill()
            process.wait()
    assert len(written() - before) == 2000
    assert written() - before == collector.rows()


def test_a_new_destination_begins_with_what_comes_and_again_means_from_the_first_row(
    collector: Collector, point: Callable[[str], None], sending: Callable[[], None], event: Make
) -> None:
    log.commit([event() for _ in range(10)])
    old = written()
    point(collector.url)
    sending()
    until(lambda: cursor.of(collector.url) is not None)
    log.commit([event()])
    until(lambda: settled(collector.url))
    assert collector.rows() == written() - old
    cursor.rewind(collector.url)
    until(lambda: collector.rows() == written())


def test_rows_of_a_later_log_follow_those_of_the_one_before(
    collector: Collector, point: Callable[[str], None], sending: Callable[[], None], event: Make
) -> None:
    from django.db import transaction

    log.commit([event() for _ in range(3)])
    cursor.rewind(collector.url)
    with transaction.atomic():
        log.begin(2, event(Action.LOG_OPENED))
    log.commit([event() for _ in range(120)])
    point(collector.url)
    sending()
    until(lambda: settled(collector.url))
    places = [(one.log, one.seq) for one in collector.received()]
    assert places == list(AuditEvent.objects.order_by("log", "seq").values_list("log", "seq"))


@pytest.mark.both_databases
def test_rows_that_take_the_numbers_of_rows_that_were_cut_off_are_told_too(
    collector: Collector,
    point: Callable[[str], None],
    sending: Callable[[], None],
    event: Make,
    unguarded: Callable[[], AbstractContextManager[None]],
) -> None:
    cursor.rewind(collector.url)
    point(collector.url)
    sending()
    log.commit([event(count=1) for _ in range(10)])
    until(lambda: settled(collector.url))
    with unguarded(), connection.cursor() as database:
        database.execute("DELETE FROM audit_event WHERE count = 1 AND seq > 5")
    until(lambda: Alert.objects.filter(kind="tampering").exists())
    log.commit([event(count=2) for _ in range(2)])
    until(lambda: settled(collector.url))
    told = {(one.seq, one.told["row"]) for one in collector.received()}
    assert {(seq, bytes(row).hex()) for seq, row in AuditEvent.objects.values_list("seq", "row")} <= told
    assert len(told) > AuditEvent.objects.count(), "the collector has kept what was cut off"


@pytest.mark.postgres
def test_a_sender_whose_database_connection_is_lost_goes_on(
    collector: Collector, point: Callable[[str], None], sending: Callable[[], None], event: Make
) -> None:
    cursor.rewind(collector.url)
    point(collector.url)
    sending()
    for _ in range(3):
        log.commit([event() for _ in range(200)])
        with connection.cursor() as database:
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        time.sleep(0.5)
    until(lambda: settled(collector.url))
    assert collector.rows() == written()


def test_two_senders_are_one(
    collector: Collector, point: Callable[[str], None], sending: Callable[[], None], event: Make
) -> None:
    cursor.rewind(collector.url)
    point(collector.url)
    sending()
    sending()
    log.commit([event() for _ in range(200)])
    until(lambda: settled(collector.url))
    assert len(collector.received()) == len(written())
