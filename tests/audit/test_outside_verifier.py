"""The verifier for outsiders, run alone under `python -I`, agrees with ours about every damage."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection

from audit import anchors, checkpoints, export, log, tables, verify
from audit.events import Event
from tests.audit import damaging
from tests.audit.conftest import Unguarded
from tests.audit.tampering import do
from tests.audit.test_verify import EDITS
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


@pytest.mark.parametrize("name", list(damaging.DAMAGES))
def test_it_names_every_damage_that_is_kept_as_a_file(name: str) -> None:
    damage = damaging.DAMAGES[name]
    kept = damaging.KEPT / f"{name}.jsonl"
    key = (damaging.KEPT / "KEY").read_text(encoding="utf-8").strip()
    done = run("--key", key, "--anchor", str(damaging.KEPT / "anchor"), str(kept))
    assert (done.returncode, done.stderr) == (damage.code, "")
    assert damage.words in done.stdout


@pytest.mark.parametrize("name", list(damaging.DAMAGES))
def test_a_damage_that_is_kept_is_what_it_says(name: str) -> None:
    damage = damaging.DAMAGES[name]
    assert damaging.read(name) == damage.do(damaging.read(damage.source))
    assert {path.stem for path in damaging.KEPT.glob("*.jsonl")} == set(damaging.DAMAGES)


def test_the_program_still_hashes_as_it_did_when_the_kept_logs_were_written() -> None:
    kept = damaging.read("intact")
    assert damaging.rechained(kept) == kept


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


@pytest.mark.both_databases
@pytest.mark.parametrize("seq", [5, 24])
def test_it_answers_to_an_edit_of_any_column_as_ours_does(
    installation: Installation, written: int, unguarded: Unguarded, tmp_path: Path, seq: int
) -> None:
    (place,) = anchors.places()
    rows = tmp_path / "rows.jsonl"
    answers = {}
    for column, value in EDITS.items():
        with unguarded():
            (kept,) = tables.page(1, seq - 1, 1)
            do(f'UPDATE audit_event SET "{column}" = %s WHERE log = 1 AND seq = %s', [value, seq])
            rows.write_text("".join(export.records()), encoding="utf-8")
            source = installation.data / "index.sqlite3" if connection.vendor == "sqlite" else rows
            done = run("--key", checkpoints.verifier_key(), "--anchor", str(place), str(source))
            answers[column] = (verify.run().code, done.returncode)
            do("DELETE FROM audit_event WHERE log = 1 AND seq IN (%s, 900) OR log = 2", [seq])
            names = ", ".join(f'"{name}"' for name in tables.STORED)
            do(f"INSERT INTO audit_event ({names}) VALUES ({', '.join(['%s'] * len(kept))})", list(kept))
    assert answers == dict.fromkeys(EDITS, (1, 1))
    assert verify.run().code == 0


@pytest.mark.parametrize(
    ("words", "statement"),
    [
        ("row 5 was edited", "UPDATE audit_event SET count = 'many' WHERE seq = 5"),
        ("row 5 was edited", "UPDATE audit_event SET id = 'nonsense' WHERE seq = 5"),
        ("row 5 does not follow", "UPDATE audit_event SET leaf = 'text' WHERE seq = 5"),
        ("row 5 is missing", "UPDATE audit_event SET seq = 'five' WHERE seq = 5"),
        ("row 2 was edited", "UPDATE audit_listed SET position = position + 5 WHERE seq = 2"),
        ("listed for row 5000", "INSERT INTO audit_listed (log, seq, position, study_uid) VALUES (1, 5000, 0, '1.9')"),
    ],
)
def test_a_database_that_holds_what_no_column_can_is_found(
    installation: Installation, written: int, unguarded: Unguarded, words: str, statement: str
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite stores what it is given, and is read as it lies there")
    with unguarded():
        do(statement)
    assert verify.run().code == 1
    done = run("--key", checkpoints.verifier_key(), str(installation.data / "index.sqlite3"))
    assert (done.returncode, done.stderr) == (1, "")
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
