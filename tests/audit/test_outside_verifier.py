"""The verifier for outsiders, run alone under `python -I`, agrees with ours about every damage."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection

from audit import anchors, checkpoints, export, log, verify
from audit.events import Event
from tests.conftest import Installation
from vault import notes

TOOL = Path(__file__).resolve().parents[2] / "tools" / "verify_audit.py"
DAMAGES: dict[str, tuple[int, str, list[str]]] = {
    "nothing": (0, "intact", []),
    "an edited column": (1, "row 3 was edited", ["UPDATE audit_event SET actor_name = 'other' WHERE seq = 3"]),
    "edited details": (1, "row 3 was edited", ["UPDATE audit_event SET details = leaf WHERE seq = 3"]),
    "an edited row hash": (1, "row 3 does not follow", ["UPDATE audit_event SET row = leaf WHERE seq = 3"]),
    "an edited listing": (1, "was edited", ["UPDATE audit_listed SET study_uid = '1.9' WHERE position = 1"]),
    "a removed row": (1, "row 3 is missing", ["DELETE FROM audit_event WHERE seq = 3"]),
    "a cut tail": (2, "but the log ends at row 4", ["DELETE FROM audit_event WHERE seq > 4"]),
    "a cut tail with its heads": (
        2,
        "but the log ends at row 4",
        ["DELETE FROM audit_event WHERE seq > 4", "DELETE FROM audit_checkpoint"],
    ),
    "a head edited": (3, "does not verify", ["UPDATE audit_checkpoint SET note = 'x' || note"]),
    "time turned back": (1, "row 5 was edited", ["UPDATE audit_event SET time_us = 1 WHERE seq = 5"]),
}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(TOOL), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.both_databases
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_it_finds_what_ours_finds(
    installation: Installation,
    event: Callable[..., Event],
    unguarded: Callable[[], AbstractContextManager[None]],
    tmp_path: Path,
    damage: str,
) -> None:
    log.commit([event(), event(listed=("1.2", "1.3")), event(details={"a": "é\u2028"}), event()])
    log.commit([event(purpose="žluť 🐎", count=number) for number in range(5)])
    checkpoints.sign_due(at_once=True)
    code, words, statements = DAMAGES[damage]
    with unguarded(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace("row = leaf", '"row" = leaf'))
    assert verify.run().code == code
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(export.records()), encoding="utf-8")
    (place,) = anchors.places()
    sources = [rows, installation.data / "index.sqlite3"] if connection.vendor == "sqlite" else [rows]
    for source in sources:
        done = run("--key", checkpoints.verifier_key(), "--anchor", str(place), str(source))
        assert (done.returncode, done.stderr) == (code, "")
        assert words in done.stdout


def test_another_key_verifies_nothing(installation: Installation, event: Callable[..., Event], tmp_path: Path) -> None:
    log.commit([event()])
    checkpoints.sign_due(at_once=True)
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(export.records()), encoding="utf-8")
    key = notes.verifier_key(checkpoints.origin(1), notes.generate_signer()[1])
    assert run("--key", key, str(rows)).returncode == 3
    assert run("--key", "nonsense", str(rows)).returncode == 9
    assert run("--key", checkpoints.verifier_key(), str(tmp_path / "nowhere")).returncode == 9


def test_it_imports_nothing_but_the_standard_library() -> None:
    lines = TOOL.read_text(encoding="utf-8").splitlines()
    imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported <= set(sys.stdlib_module_names)
