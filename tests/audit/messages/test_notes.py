"""The collector's file alone tells that the record was cut: signed notes come back out of it."""

import base64
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit import checkpoints, export, log, verify
from audit.anchoring.collected import Collected
from audit.anchors import AnchorError
from audit.events import Event
from audit.messages import frames
from audit.messages.frames import Head
from tests.audit.messages.collector import Collector
from tests.audit.messages.conftest import settled, until
from tests.conftest import Installation

TOOL = Path(__file__).resolve().parents[3] / "tools" / "verify_audit.py"
Make = Callable[..., Event]


def outside(tmp_path: Path, notes: Path) -> int:
    """What the verifier for outsiders answers that knows no anchor but a collector's file."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(export.records()), encoding="utf-8")
    arguments = ["--key", checkpoints.verifier_key(), "--notes", str(notes), str(rows)]
    done = subprocess.run([sys.executable, "-I", str(TOOL), *arguments], capture_output=True, check=False, timeout=60)
    assert done.stderr == b""
    return done.returncode


@pytest.mark.rsyslog
@pytest.mark.both_databases
def test_a_cut_tail_is_found_with_the_collectors_file_alone(
    collector: Collector,
    point: Callable[[str], None],
    sending: Callable[[], None],
    event: Make,
    unguarded: Callable[[], AbstractContextManager[None]],
    tmp_path: Path,
) -> None:
    point(collector.url)
    sending()
    until(lambda: settled(collector.url))
    for _ in range(2):
        log.commit([event() for _ in range(5)])
        assert checkpoints.sign_due(at_once=True)
    until(lambda: settled(collector.url))
    held = Collected(collector.file)
    assert verify.run([held]).code == 0
    assert outside(tmp_path, collector.file) == 0
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("SELECT MIN(size) FROM audit_checkpoint")
        (kept,) = cursor.fetchone()
        cursor.execute("DELETE FROM audit_event WHERE seq > %s", [kept])
        cursor.execute("DELETE FROM audit_checkpoint WHERE size > %s", [kept])
    assert verify.run([]).code == 0, "who owns the database has left no trace in it"
    assert verify.run([held]).code == 2
    assert outside(tmp_path, collector.file) == 2
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify", "--notes", str(collector.file), "--json")
    assert ended.value.code == 2


def test_notes_come_out_once_each_by_their_size_and_not_those_of_others(
    installation: Installation, event: Make, tmp_path: Path
) -> None:
    from audit.models import Checkpoint

    for _ in range(3):
        log.commit([event()])
        assert checkpoints.sign_due(at_once=True)
    notes = list(Checkpoint.objects.order_by("size").values_list("note", flat=True))
    stranger = notes[0].replace(checkpoints.origin(1), "custos/another")
    head = Head("2026-01-01T00:00:00Z", "host", 1, 1)
    lines = [frames.note(head, note, size=1).decode() for note in (notes[2], stranger, notes[0], notes[1], notes[0])]
    torn = lines[0][: len(lines[0]) - 20]
    file = tmp_path / "collected"
    file.write_text("\n".join([*lines, "custos-note !!!", "custos-note " + "A" * 41, torn]) + "\n")
    held = Collected(file)
    assert list(held.notes(checkpoints.origin(1), held.extent(checkpoints.origin(1)))) == notes
    assert held.newest(checkpoints.origin(1)) == notes[2]
    assert held.extent(checkpoints.origin(2)) == 0
    assert outside(tmp_path, file) == 0
    with pytest.raises(AnchorError):
        held.append(checkpoints.origin(1), notes[0])


def test_a_note_that_somebody_changed_in_the_file_is_told(
    installation: Installation, event: Make, tmp_path: Path
) -> None:
    from audit.models import Checkpoint

    log.commit([event()])
    assert checkpoints.sign_due(at_once=True)
    note = Checkpoint.objects.values_list("note", flat=True).get()
    origin, size, rest = note.split("\n", 2)
    changed = base64.b64encode(f"{origin}\n{int(size) + 1}\n{rest}".encode()).decode()
    file = tmp_path / "collected"
    file.write_text(f"custos-note {changed}\n")
    assert verify.run([Collected(file)]).code == 3
    assert outside(tmp_path, file) == 3


def test_a_file_that_is_not_there_is_said(installation: Installation, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no file"):
        call_command("audit", "verify", "--notes", str(tmp_path / "nowhere"))
