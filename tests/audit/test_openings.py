"""After an honest restore the next log begins, and both verifiers tell what was lost; nobody else can say so."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, transaction

from audit import anchors, checkpoints, export, log, openings, verify
from audit.models import AuditEvent, Checkpoint
from audit.receipts import Who
from tests.audit.conftest import Make, Unguarded
from tests.audit.tampering import do
from tests.conftest import Installation

TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"


def roll_back(rows: int, unguarded: Unguarded) -> None:
    """Make the database what it was after so many rows of log 1."""
    with unguarded():
        do("DELETE FROM audit_event WHERE seq > %s OR log > 1", [rows])
        do("DELETE FROM audit_listed WHERE seq > %s OR log > 1", [rows])
        do("DELETE FROM audit_checkpoint WHERE size > %s OR log > 1", [rows])


def restore(rows: int, unguarded: Unguarded, who: Who) -> int:
    roll_back(rows, unguarded)
    with transaction.atomic():
        number, _ = openings.next_log(who, {"snapshot": "one"})
    return number


def outside(tmp_path: Path) -> tuple[int, str]:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(export.records()), encoding="utf-8")
    (place,) = anchors.places()
    command = ["-I", str(TOOL), "--key", checkpoints.verifier_key(), "--anchor", str(place), str(rows)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.both_databases
def test_a_restored_log_ends_the_next_begins_and_what_is_lost_is_told(
    written: int, unguarded: Unguarded, who: Who, event: Make, tmp_path: Path
) -> None:
    assert restore(13, unguarded, who) == 2
    log.commit([event()])
    assert checkpoints.sign_due(at_once=True)
    report = verify.run()
    assert report.code == 4
    (finding,) = report.findings
    assert finding.log == 1
    assert f"ends at row 13: rows 14 to {written}, which were signed" in finding.text
    assert list(AuditEvent.objects.filter(log=2).order_by("seq").values_list("seq", "action")) == [
        (1, "log:opened"),
        (2, "study:view"),
    ]
    assert checkpoints.reader(2)(Checkpoint.objects.get(log=2).note).size == 2
    code, words = outside(tmp_path)
    assert code == 4
    assert f"rows 14 to {written}" in words


def test_a_log_that_lost_nothing_signed_is_told_all_the_same(written: int, unguarded: Unguarded, who: Who) -> None:
    restore(written, unguarded, who)
    report = verify.run()
    assert (report.code, len(report.findings)) == (4, 1)
    assert "lost" not in report.findings[0].text


def test_an_older_backup_restored_later_begins_a_third_log(
    written: int, unguarded: Unguarded, who: Who, event: Make
) -> None:
    assert restore(20, unguarded, who) == 2
    log.commit([event()])
    assert checkpoints.sign_due(at_once=True)
    assert restore(12, unguarded, who) == 3
    report = verify.run()
    assert report.code == 4
    assert [finding.log for finding in report.findings] == [1, 2]
    assert "rows 1 to 2, which were signed" in report.findings[1].text


def test_an_anchor_that_cannot_be_read_stops_the_opening(
    written: int, unguarded: Unguarded, who: Who, installation: Installation
) -> None:
    place = anchors.Folder(installation.root / "anchors")
    notes = place.file_of(checkpoints.origin(1))
    notes.unlink()
    notes.mkdir()
    with pytest.raises(OSError, match="directory"), transaction.atomic():
        openings.next_log(who, {})
    assert not AuditEvent.objects.filter(log=2).exists()


def test_a_cut_log_followed_by_a_row_that_only_looks_like_an_opening_is_still_cut(
    written: int, unguarded: Unguarded, who: Who
) -> None:
    restore(13, unguarded, who)
    with unguarded():
        do("UPDATE audit_event SET details = leaf WHERE log = 2")
    assert verify.run().code == 1
    assert {finding.wrong.value for finding in verify.run().findings if finding.log == 1} == {"cut"}


def test_a_row_cut_off_behind_the_restore_is_found(written: int, unguarded: Unguarded, who: Who) -> None:
    restore(13, unguarded, who)
    with unguarded():
        do("DELETE FROM audit_event WHERE log = 1 AND seq = 13")
    assert verify.run().code in (1, 2)


def test_a_row_edited_before_the_restore_is_found(written: int, unguarded: Unguarded, who: Who) -> None:
    restore(13, unguarded, who)
    with unguarded():
        do("UPDATE audit_event SET actor_name = 'other' WHERE log = 1 AND seq = 5")
    report = verify.run()
    assert (report.code, report.findings[0].seq) == (1, 5)


def test_a_log_begins_only_behind_another(written: int, who: Who, event: Make) -> None:
    with pytest.raises(ValueError, match="behind"), transaction.atomic():
        log.begin(1, event())
    assert connection.in_atomic_block is False


def test_a_database_without_any_log_takes_the_next_number_that_no_anchor_knows(
    written: int, unguarded: Unguarded, who: Who, installation: Installation
) -> None:
    with unguarded():
        for table in ("audit_event", "audit_listed", "audit_checkpoint"):
            do(f"DELETE FROM {table}")
    with transaction.atomic():
        number, (known,) = openings.next_log(who, {})
    assert (number, known.log, known.rows) == (2, 1, written)
    report = verify.run()
    assert report.code == 4
    assert f"rows 1 to {written}, which were signed" in report.findings[0].text


def test_where_nobody_knows_of_any_log_the_first_counts_as_lost(installation: Installation, who: Who) -> None:
    with transaction.atomic():
        assert openings.next_log(who, {}) == (2, ())
    (finding,) = verify.run().findings
    assert (finding.log, finding.wrong.value) == (1, "restored")
