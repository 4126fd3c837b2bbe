"""The commands say in words, in JSON and by their exit code what they found, and are themselves on record."""

import base64
import csv
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection

from audit import checkpoints, export, log, tree
from audit.actions import Action, Outcome
from audit.events import Event
from audit.models import Alert, AuditEvent
from tests.audit.planted import refused_inserts
from tests.conftest import Installation

Make = Callable[..., Event]
Unguarded = Callable[[], AbstractContextManager[None]]
MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def run(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py audit …` as an operator would."""
    return subprocess.run(
        [sys.executable, str(MANAGE), "audit", *arguments],
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.both_databases
def test_verify_is_clean_then_names_the_edited_row(
    installation: Installation, event: Make, unguarded: Unguarded
) -> None:
    log.commit([event(), event(), event()])
    checkpoints.sign_due(at_once=True)
    rows = AuditEvent.objects.count()
    clean = run(installation, "verify")
    assert clean.returncode == 0, clean.stderr
    assert "intact" in clean.stdout
    told = AuditEvent.objects.get(action=Action.LOG_VERIFIED)
    assert (told.actor_kind, told.outcome, told.count) == ("shell", Outcome.OK, rows)
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET actor_name = 'other' WHERE seq = 2")
    found = run(installation, "verify", "--json")
    assert found.returncode == 1
    answer = json.loads(found.stdout)
    assert answer["findings"][0]["text"] == "row 2 was edited: its leaf does not match its columns"
    assert (answer["intact"], answer["code"], answer["findings"][0]["seq"]) == (False, 1, 2)
    assert Alert.objects.get(kind="tampering")
    assert AuditEvent.objects.filter(action=Action.LOG_VERIFIED, outcome=Outcome.FAILED).count() == 1


@pytest.mark.both_databases
def test_verify_against_a_named_anchor_finds_a_cut_tail(
    installation: Installation, event: Make, unguarded: Unguarded, tmp_path: Path
) -> None:
    log.commit([event(), event(), event()])
    checkpoints.sign_due(at_once=True)
    place = installation.root / "anchors"
    elsewhere = tmp_path / "elsewhere"
    place.rename(elsewhere)
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE seq >= 2")
        cursor.execute("DELETE FROM audit_checkpoint")
    assert run(installation, "verify", "--anchor", str(elsewhere)).returncode == 2
    assert run(installation, "verify", "--anchor", str(tmp_path / "nowhere")).returncode == 9


def test_a_verification_that_cannot_be_recorded_says_so(installation: Installation, event: Make) -> None:
    log.commit([event()])
    with refused_inserts():
        done = run(installation, "verify")
    assert done.returncode == 9
    assert "could not be recorded" in done.stderr


def test_a_proof_convinces_somebody_who_has_only_the_key(installation: Installation, event: Make) -> None:
    log.commit([event(count=number) for number in range(9)])
    assert run(installation, "prove", "3").returncode == 9
    checkpoints.sign_due(at_once=True)
    proof = json.loads(run(installation, "prove", "3").stdout)
    leaf = hashlib.sha256(b"\0" + proof["canonical"].encode()).digest()
    assert base64.b64encode(leaf).decode() == proof["leaf"]
    size, root = proof["checkpoint"].splitlines()[1:3]
    path = [base64.b64decode(step) for step in proof["path"]]
    assert tree.included(leaf, 2, int(size), path, base64.b64decode(root))
    assert proof["key"] == checkpoints.verifier_key() == run(installation, "key").stdout.strip()
    assert json.loads(proof["canonical"])["seq"] == 3
    assert run(installation, "prove", "999").returncode == 9


def test_an_export_is_whole_and_no_formula(installation: Installation, event: Make) -> None:
    log.commit([event(purpose="=HYPERLINK(1)", listed=("1.2", "1.3"), details={"secret": "canary-1"})])
    done = run(installation, "export", "--csv")
    assert done.returncode == 0
    assert "canary-1" not in done.stdout
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == AuditEvent.objects.count()
    assert rows[-1]["action"] == "log:exported"
    shown = next(row for row in rows if row["listed"])
    assert (shown["purpose"], shown["listed"]) == ("'=HYPERLINK(1)", "1.2 1.3")
    assert list(csv.DictReader(io.StringIO(run(installation, "export", "--csv", "--to", "2020-01-01").stdout))) == []


def test_an_export_without_a_form_is_csv(installation: Installation, event: Make) -> None:
    log.commit([event(details={"secret": "canary-1"})])
    done = run(installation, "export")
    assert done.returncode == 0, done.stderr
    assert "canary-1" not in done.stdout
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == AuditEvent.objects.count()
    told = AuditEvent.objects.get(action=Action.LOG_EXPORTED)
    assert (log.open_details(told) or {})["form"] == "csv"
    assert run(installation, "export", "--csv", "--rows").returncode == 2


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert export.safe(text) == f"'{text}"
    assert export.safe("1.2.3") == "1.2.3"
