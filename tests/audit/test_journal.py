"""What left is on record exactly once, whatever happens to the process that sent it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import DatabaseError

from audit import alerts, deliveries, journal, journals, leases, log
from audit.actions import Action, Use
from audit.errors import LogUnavailable
from audit.models import Alert, AuditEvent, JournalMark
from audit.receipts import Receipt, Who
from keystore import keys
from tests import forking
from tests.audit.conftest import STUDY
from tests.audit.planted import refused_inserts
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases

SERIES = f"{STUDY}.1"
# Delivers ten instances, makes them durable, delivers one more, says so, and waits to be killed.
VICTIM = """
import django, sys, time
django.setup()
from audit import journal, leases
from audit.actions import Use
from audit.receipts import Who
journal.FLUSH_SECONDS = 3600
who = Who("person", "person:4b1c", "weber", "clinician", "127.0.0.1", "", "0123456789abcdef", "r1")
receipt = leases.view(who, "1.2.826.0.1.3680043.10.1", "care", "ab" * 16)
for batch in (range(1, 6), range(4, 11)):
    for number in batch:
        journal.delivered(receipt, Use.DISPLAYED, "1.2.826.0.1.3680043.10.1.1", f"1.2.3.{number}", [1], 1000)
    journal.flush()
journal.delivered(receipt, Use.DISPLAYED, "1.2.826.0.1.3680043.10.1.1", "1.2.3.99", [1], 1000)
print("ready", flush=True)
time.sleep(60)
"""


def _delivered() -> dict[str, dict[tuple[str, str], tuple[list[int], int]]]:
    """{use: {(series, sop): (frames, bytes)}} of all DELIVERED events together; fails on an entry logged twice."""
    found: dict[str, dict[tuple[str, str], tuple[list[int], int]]] = {}
    seen: set[tuple[str, int]] = set()
    for row in AuditEvent.objects.filter(action=Action.DELIVERED).order_by("seq"):
        details = log.open_details(row)
        assert details is not None
        source = details["journal"]
        assert row.count == len(deliveries.instances_of(details))
        uses = found.setdefault(details["use"], {})
        for series, sop, frames, size in deliveries.instances_of(details):
            before = uses.get((series, sop), ([], 0))
            uses[(series, sop)] = (sorted({*before[0], *frames}), before[1] + size)
        for number in range(source["first"], source["last"] + 1):
            seen.add((source["id"], number))
    return found


def _dead(installation: Installation) -> Path:
    """Start a process that delivers, kill it with -9, and return its journal."""
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM], env=installation.environment, stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    assert victim.stdout.readline() == "ready\n"
    assert journal.recover() == 0  # the journal of a living process is its own
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(10)
    victim.stdout.close()
    (left,) = (installation.data / "journals").iterdir()
    return left


@pytest.fixture
def receipt(installation: Installation, who: Who) -> Receipt:
    return leases.view(who, STUDY, "care", "ab" * 16)


def test_deliveries_become_one_event_for_each_sitting_and_use(receipt: Receipt) -> None:
    for number in range(1, 11):
        journal.delivered(receipt, Use.DISPLAYED, SERIES, f"1.2.3.{number}", [1], 500)
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.1", [2, 3], 1000)
    journal.delivered(receipt, Use.PREFETCHED, SERIES, "1.2.3.50", (), 700)
    journal.settle()
    rows = {row.count: row for row in AuditEvent.objects.filter(action=Action.DELIVERED)}
    assert set(rows) == {10, 1}
    assert {row.sitting for row in rows.values()} == {receipt.sitting}
    assert (rows[10].study_uid, rows[10].patient, rows[10].actor_name) == (STUDY, "ab" * 16, "weber")
    assert (rows[10].actor_address, rows[10].actor_session) == ("127.0.0.1", "0123456789abcdef")
    found = _delivered()
    assert found["displayed"][(SERIES, "1.2.3.1")] == ([1, 2, 3], 1500)
    assert found["prefetched"] == {(SERIES, "1.2.3.50"): ([], 700)}


def test_settling_again_adds_nothing_and_later_deliveries_come_once(receipt: Receipt) -> None:
    for number in range(3):
        journal.delivered(receipt, Use.DISPLAYED, SERIES, f"1.2.3.{number}", [1], 5)
        journal.flush()
    journal.settle()
    journal.settle()
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.7", [1], 5)
    journal.settle()
    assert [row.count for row in AuditEvent.objects.filter(action=Action.DELIVERED).order_by("seq")] == [3, 1]


def test_the_journal_is_unreadable_without_the_key(installation: Installation, receipt: Receipt) -> None:
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.4711", [1], 5)
    journal.flush()
    (file,) = (installation.data / "journals").iterdir()
    content = file.read_bytes()
    assert len(content) > 100
    assert b"4711" not in content
    assert b"weber" not in content
    assert file.stat().st_mode & 0o077 == 0


def test_after_a_kill_everything_up_to_the_last_fsync_is_logged_once(installation: Installation) -> None:
    left = _dead(installation)
    assert journal.recover() == 1
    expected = {(SERIES, f"1.2.3.{n}"): ([1], 2000 if n in (4, 5) else 1000) for n in range(1, 11)}
    assert _delivered() == {"displayed": expected}
    assert not left.exists()
    assert not JournalMark.objects.exists()
    assert journal.recover() == 0
    assert _delivered() == {"displayed": expected}


def test_a_crash_between_log_and_unlink_logs_nothing_twice(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = _dead(installation)
    with monkeypatch.context() as crash:
        crash.setattr(journals.Journal, "remove", lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            journal.recover()
    before = _delivered()
    assert before
    assert left.exists()
    # The crashed process would have given back its file lock; a copy under the same name stands for that.
    content = left.read_bytes()
    left.unlink()
    left.write_bytes(content)
    assert journal.recover() == 1
    assert _delivered() == before
    assert not left.exists()


@pytest.mark.parametrize("cut", [1, 7, 60, 200])
def test_a_half_written_tail_costs_only_itself(installation: Installation, cut: int) -> None:
    left = _dead(installation)
    os.truncate(left, left.stat().st_size - cut)
    assert journal.recover() == 1
    assert set(_delivered()["displayed"]) == {(SERIES, f"1.2.3.{n}") for n in range(1, 6)}
    assert not Alert.objects.exists()


def test_a_changed_journal_is_kept_aside_and_raises_an_alert(installation: Installation) -> None:
    left = _dead(installation)
    content = bytearray(left.read_bytes())
    content[80] ^= 1
    left.write_bytes(content)
    journal.recover()
    assert Alert.objects.get().kind == "journal"
    assert left.with_suffix(".damaged").exists()
    assert journal.recover() == 0


def test_an_entry_copied_within_or_between_journals_does_not_count(installation: Installation) -> None:
    left = _dead(installation)
    content = left.read_bytes()
    first = 12 + int.from_bytes(content[:4], "big")
    left.write_bytes(content + content[:first] + content[first:])
    journal.recover()
    assert _delivered()["displayed"][(SERIES, "1.2.3.1")] == ([1], 1000)
    assert Alert.objects.get().kind == "journal"


def test_while_the_log_refuses_nothing_is_lost(installation: Installation, receipt: Receipt) -> None:
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.1", [1], 5)
    with refused_inserts(), pytest.raises(LogUnavailable):
        journal.settle()
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.2", [1], 5)
    journal.settle()
    assert set(_delivered()["displayed"]) == {(SERIES, "1.2.3.1"), (SERIES, "1.2.3.2")}


def test_while_the_disk_refuses_nothing_is_lost(receipt: Receipt, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.1", [1], 5)
    journal.flush()
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.2", [1], 5)
        with pytest.raises(LogUnavailable):
            journal.flush()
        assert not journal.well()
    journal.settle()
    assert journal.well()
    assert set(_delivered()["displayed"]) == {(SERIES, "1.2.3.1"), (SERIES, "1.2.3.2")}


def test_a_write_that_failed_leaves_nothing_behind_in_the_file(
    installation: Installation, receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.1", [1], 5)
    journal.flush()
    (file,) = (installation.data / "journals").iterdir()
    before = file.read_bytes()
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.2", [1], 5)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", lambda _: (_ for _ in ()).throw(OSError(5, "broken disk")))
        with pytest.raises(LogUnavailable):
            journal.flush()
    assert file.read_bytes() == before


def test_stopping_moves_everything_and_leaves_no_file(installation: Installation, receipt: Receipt) -> None:
    journal.delivered(receipt, Use.RETRIEVED, SERIES, "1.2.3.1", (), 5)
    journal.stop()
    assert set(_delivered()["retrieved"]) == {(SERIES, "1.2.3.1")}
    assert not list((installation.data / "journals").iterdir())


def test_a_child_process_neither_writes_nor_holds_its_parents_journal(receipt: Receipt) -> None:
    journal.delivered(receipt, Use.DISPLAYED, SERIES, "1.2.3.1", [1], 5)
    journal.flush()
    assert forking.ended(forking.child(lambda: journal._journal is None and not journal._pending)) == 0
    journal.settle()
    assert set(_delivered()["displayed"]) == {(SERIES, "1.2.3.1")}


def test_keys_and_alerts_are_what_the_journal_relies_on(installation: Installation) -> None:
    assert keys.installation_key("journal").secret != keys.installation_key("field").secret
    alerts.raise_("journal", "x", "first")
    alerts.raise_("journal", "x", "second")
    folded = Alert.objects.get()
    assert (folded.times, folded.message) == (2, "second")
    with pytest.raises(DatabaseError):
        Alert.objects.create(kind="journal", subject="x", message="third")
