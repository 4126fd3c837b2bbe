"""Heads are signed and copied to anchors, and what was signed holds against whoever owns the database."""

import base64
import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection, connections

from audit import anchors, checkpoints, log, verify
from audit.models import Alert, AuditEvent, Checkpoint
from audit.walk import Wrong
from tests.audit.conftest import Make, Unguarded
from tests.audit.tampering import do, first_finding
from tests.conftest import Installation
from vault import notes


@pytest.mark.both_databases
def test_a_checkpoint_edited_or_removed_in_the_table_is_found(written: int, unguarded: Unguarded) -> None:
    middle = Checkpoint.objects.order_by("size")[0]
    with unguarded():
        do("UPDATE audit_checkpoint SET frontier = %s WHERE size = %s", [bytes(32), middle.size])
    assert first_finding()[:2] == (1, middle.size)
    with unguarded():
        do("UPDATE audit_checkpoint SET note = %s WHERE size = %s", ["x" + middle.note, middle.size])
    assert verify.run([]).findings[0].wrong is Wrong.SIGNATURE
    with unguarded():
        do("DELETE FROM audit_checkpoint WHERE size = %s", [middle.size])
    assert first_finding()[:2] == (2, middle.size)


@pytest.mark.both_databases
def test_a_checkpoint_signed_by_another_key_is_no_checkpoint(installation: Installation, written: int) -> None:
    name = checkpoints.origin(1)
    secret, _ = notes.generate_signer()
    (place,) = anchors.places()
    text = notes.checkpoint_text(name, written, bytes(32))
    place.append(name, notes.sign_note(name, secret, text))
    assert verify.run().code == 3


@pytest.mark.both_databases
def test_a_cut_tail_with_its_checkpoint_is_found_by_the_anchor_alone(written: int, unguarded: Unguarded) -> None:
    with unguarded():
        do("DELETE FROM audit_listed WHERE seq > %s", [written - 3])
        do("DELETE FROM audit_event WHERE seq > %s", [written - 3])
        do("DELETE FROM audit_checkpoint WHERE size > %s", [written - 3])
    assert first_finding()[0] == 2
    assert verify.run([]).code == 0


def test_an_older_copy_of_the_database_is_found_by_the_anchor(
    installation: Installation, written: int, event: Make, tmp_path: Path
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("copies the database file")
    file = installation.data / "index.sqlite3"
    do("PRAGMA wal_checkpoint(TRUNCATE)")
    connections["default"].close()
    shutil.copy(file, tmp_path / "old")
    for _ in range(3):
        log.commit([event()])
    checkpoints.sign_due(at_once=True)
    connections["default"].close()
    for leftover in installation.data.glob("index.sqlite3*"):
        leftover.unlink()
    shutil.copy(tmp_path / "old", file)
    assert first_finding()[0] == 2
    # The restored copy goes on: the new rows are not those that were signed, and nobody signs them now.
    log.commit([event()])
    assert not checkpoints.sign_due(at_once=True)
    assert "but the log ends at row" in Alert.objects.get(kind="tampering").message
    for _ in range(5):
        log.commit([event()])
    assert not checkpoints.sign_due(at_once=True)
    assert Alert.objects.get(kind="tampering").subject == checkpoints.origin(1)
    assert first_finding()[0] == 2


@pytest.mark.both_databases
def test_an_edited_row_is_not_signed_and_raises_an_alert(written: int, unguarded: Unguarded, event: Make) -> None:
    log.commit([event(), event()])
    with unguarded():
        do("UPDATE audit_event SET actor_name = 'other' WHERE seq = %s", [written + 1])
    before = Checkpoint.objects.count()
    assert not checkpoints.sign_due(at_once=True)
    assert Checkpoint.objects.count() == before
    assert f"row {written + 1} was edited" in Alert.objects.get(kind="tampering").message


@pytest.mark.both_databases
def test_heads_are_signed_when_due_and_not_before(installation: Installation, event: Make) -> None:
    log.commit([event()])
    assert checkpoints.sign_due()
    assert not checkpoints.sign_due()
    log.commit([event()])
    assert not checkpoints.sign_due()
    log.commit([event() for _ in range(checkpoints.EVERY_ROWS)])
    assert checkpoints.sign_due()
    assert verify.run().code == 0


@pytest.mark.both_databases
def test_an_anchor_that_fails_raises_an_alert_and_is_caught_up_later(installation: Installation, event: Make) -> None:
    place = anchors.Folder(installation.root / "anchors")
    shutil.rmtree(place.path)
    place.path.write_text("a file where a directory should be")
    for _ in range(3):
        log.commit([event()])
        assert checkpoints.sign_due(at_once=True)
    assert Alert.objects.get(kind="anchor").times >= 3
    place.path.unlink()
    assert not checkpoints.sign_due()
    held = list(place.notes(checkpoints.origin(1), 1 << 20))
    assert held == list(Checkpoint.objects.order_by("size").values_list("note", flat=True))
    assert len(held) >= 3


@pytest.mark.both_databases
def test_a_half_written_note_at_an_anchor_is_passed_over(installation: Installation, event: Make) -> None:
    place = anchors.Folder(installation.root / "anchors")
    log.commit([event()])
    checkpoints.sign_due(at_once=True)
    with place.file_of(checkpoints.origin(1)).open("a") as file:
        file.write("custos/torn\n17\n")
    log.commit([event()])
    checkpoints.sign_due(at_once=True)
    report = verify.run()
    assert (report.code, report.signed) == (0, 4)


def test_an_anchor_inside_the_data_directory_is_refused(installation: Installation, settings: Any, event: Make) -> None:
    settings.PACS_ANCHORS = (f"file:{installation.data / 'anchors'}",)
    log.commit([event()])
    assert checkpoints.sign_due()
    assert Alert.objects.get(kind="anchor")
    with pytest.raises(anchors.AnchorError):
        verify.run()


@pytest.mark.both_databases
def test_a_checkpoint_verifies_by_hand(written: int) -> None:
    """Nothing of ours but the public key's text and the leaves."""
    name, key_hash, encoded = checkpoints.verifier_key().split("+", 2)
    public = base64.b64decode(encoded)
    assert public[:1] == b"\x01"
    (place,) = anchors.places()
    note = (Path(str(place)) / (name.replace("/", "-") + ".notes")).read_text().split("\n\n")[-3:]
    text, signature = note[-3] + "\n", note[-2]
    origin, size, root = text.splitlines()
    assert (origin, int(size)) == (name, written)
    dash, signer, blob = signature.split(" ")
    assert (dash, signer) == ("\N{EM DASH}", name)
    assert base64.b64decode(blob)[:4].hex() == key_hash
    assert hashlib.sha256(name.encode() + b"\n" + public).digest()[:4].hex() == key_hash
    verifier = Ed25519PublicKey.from_public_bytes(public[1:])
    verifier.verify(base64.b64decode(blob)[4:], text.encode())
    with pytest.raises(InvalidSignature):
        verifier.verify(base64.b64decode(blob)[4:], text.replace(size, "1").encode())
    level = [bytes(leaf) for leaf in AuditEvent.objects.order_by("seq").values_list("leaf", flat=True)]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    assert base64.b64decode(root) == level[0]
