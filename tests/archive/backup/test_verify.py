"""A backup is proved where it lies: one flipped byte in any file of it is named, and so is whatever else is wrong."""

import re
from typing import Any

import pytest
from django.conf import settings

from accounts import identify
from archive import keyring, openers
from archive.backup import creating, keypart, manifest, parts, verifying
from archive.backup.folder import Folder
from archive.keeping import recovering
from archive.models import Instance, StudyKey
from audit import checkpoints
from audit.models import AuditEvent, Checkpoint
from keystore import keys as keystore
from keystore import roots
from keystore.errors import KeystoreError, RootKeyError
from tests.archive.backup.conftest import Actors, Clinic
from tests.archive.backup.test_create import files, quiet
from tests.archive.keeping.conftest import keeper as keeper
from tests.audit.conftest import unguarded as unguarded
from tests.audit.tampering import do

SHELL = identify.shell("root")


def faults(clinic: Clinic, name: str = "") -> list[str]:
    return verifying.verify(SHELL, clinic.vault, None, name, None, quiet).faults


@pytest.fixture
def backup(clinic: Clinic) -> Clinic:
    creating.create(SHELL, clinic.vault, None, quiet)
    assert faults(clinic) == []
    return clinic


def names_of(clinic: Clinic) -> list[str]:
    return sorted(files(clinic.vault))


def test_one_flipped_byte_in_any_file_is_named(backup: Clinic) -> None:
    all_of_them = names_of(backup)
    assert {name.split("/")[0] for name in all_of_them} == {"parts", "packs", "backups", "custos.keys"}
    for name in all_of_them:
        path = backup.vault / name
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            found = faults(backup)
            assert any(name in fault for fault in found), (name, at, found)
        path.write_bytes(whole)
    assert faults(backup) == []


@pytest.mark.parametrize("harm", ["gone", "cut", "longer", "empty"])
def test_a_file_that_is_gone_or_of_another_length_is_named(backup: Clinic, harm: str) -> None:
    for name in names_of(backup):
        path = backup.vault / name
        whole = path.read_bytes()
        if harm == "gone":
            path.unlink()
        else:
            path.write_bytes({"cut": whole[:-1], "longer": whole + b"\0", "empty": b""}[harm])
        if harm == "gone" and name.startswith("backups/"):
            path.write_bytes(whole)
            continue  # A backup whose manifest is gone is no backup; the others are as they were.
        found = faults(backup)
        assert any(name in fault for fault in found), (name, found)
        path.write_bytes(whole)


def test_parts_and_runs_in_each_others_place_are_named(backup: Clinic) -> None:
    for kind in ("parts/", "packs/"):
        one, other = [backup.vault / name for name in names_of(backup) if name.startswith(kind)][:2]
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
        found = faults(backup)
        for path in (one, other):
            assert any(str(path.relative_to(backup.vault)) in fault for fault in found), found
        one.write_bytes(first)
        other.write_bytes(second)


def test_a_manifest_under_another_name_does_not_open(backup: Clinic) -> None:
    (name,) = manifest.names(Folder(backup.vault))
    path = backup.vault / manifest.path_of(name)
    path.rename(path.with_name("000009-29991231T235959Z"))
    assert "000009-29991231T235959Z" in faults(backup)[0]


def test_a_key_that_was_exchanged_is_named(backup: Clinic) -> None:
    one, other = StudyKey.objects.filter(scope="study")[:2]
    StudyKey.objects.filter(id=one.id).update(wrapped=other.wrapped)
    keypart.write(Folder(backup.vault))
    assert faults(backup) == [f"The key {one.id} of a study does not open."]


def test_a_clear_head_that_was_exchanged_does_not_fit_its_body(backup: Clinic) -> None:
    """Whoever can write into the place puts the keys of an older day back, with the digest that belongs to them."""
    path = backup.vault / keypart.FILE
    before = path.read_bytes()
    keystore.installation_key("log", "1999")
    keypart.write(Folder(backup.vault))
    after = path.read_bytes()
    length = 4 + int.from_bytes(before[:4])
    mixed = before[:length] + after[4 + int.from_bytes(after[:4]) : -32]
    path.write_bytes(mixed + parts.digest(mixed))
    assert faults(backup) == ["custos.keys: It does not open: it was changed, cut or moved."]


def test_an_object_that_lies_elsewhere_than_the_index_says_is_named(clinic: Clinic) -> None:
    one = Instance.objects.first()
    assert one is not None
    Instance.objects.filter(id=one.id).update(offset=one.offset - 1)
    creating.create(SHELL, clinic.vault, None, quiet)
    assert any(str(one.id) in fault for fault in faults(clinic))


def test_an_edited_record_is_named(clinic: Clinic, unguarded: Any) -> None:
    checkpoints.sign_due(at_once=True)
    with unguarded():
        do("UPDATE audit_event SET actor_name = 'other' WHERE seq = 3")
        do("UPDATE audit_checkpoint SET frontier = substr(frontier, 2)")
    assert AuditEvent.objects.filter(actor_name="other").exists()
    assert Checkpoint.objects.exists()
    creating.create(SHELL, clinic.vault, None, quiet)
    assert any("row 3 was edited" in fault for fault in faults(clinic))


def test_it_opens_no_cell_and_no_image(backup: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openers, "load", lambda *_args, **_more: pytest.fail("something was unlocked"))
    monkeypatch.setattr(keyring, "hold", lambda *_args: pytest.fail("a key was taken into memory"))
    assert faults(backup) == []


def test_with_shares_it_needs_no_root(backup: Clinic, keeper: Any, actor_of: Actors) -> None:
    shares = recovering.export(actor_of(keeper), 2, 3)
    creating.create(SHELL, backup.vault, None, quiet)
    told = backup.told("backup", "verify", str(backup.vault), "--shares", given="\n".join(shares[:2]))
    assert told["faults"] == []
    refused = backup.command("backup", "verify", str(backup.vault), "--shares", given=shares[0])
    assert (refused.returncode, "2 different shares are needed" in refused.stderr) == (1, True)


def test_another_root_is_told_from_damage(backup: Clinic) -> None:
    other = backup.place.root / "other.key"
    roots.create_file(other)
    keystore.forget()
    settings.PACS_KEK_URL = f"file:{other}"
    with pytest.raises(RootKeyError, match="recovery shares"):
        keypart.read(Folder(backup.vault))
    with pytest.raises(KeystoreError):
        faults(backup)


def test_nothing_of_it_is_readable_and_no_key_is_in_a_part(backup: Clinic) -> None:
    """The place tells lengths, times and names of ours; UIDs, people and wrapped keys of studies it does not."""
    wrapped = [bytes(row) for row in StudyKey.objects.values_list("wrapped", flat=True)]
    uids = [uid.encode() for uid in Instance.objects.values_list("uid", flat=True)]
    for name, content in files(backup.vault).items():
        assert not any(uid in content for uid in uids), name
        assert not any(key in content for key in wrapped), name
        assert b"radiologist" not in content, name
    names = " ".join(names_of(backup))
    assert not re.search(r"1\.2\.826|2\.25", names)
