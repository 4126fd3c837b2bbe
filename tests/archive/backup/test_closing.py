"""What was destroyed is closed in backups once its epoch has ended and the keys there are new; the rest restores."""

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from accounts import identify, people
from accounts.models import Destroyed
from archive import destruction, removal
from archive.backup import creating, keypart, places
from archive.backup.folder import Folder
from archive.keeping import closing
from archive.models import Instance, StudyKey
from audit import anchors, checkpoints
from audit.models import Alert, AuditEvent
from keystore import keys as keystore
from keystore.errors import KeystoreError
from tests.archive.backup.conftest import Clinic, Machine, everything, same_root
from tests.archive.backup.test_create import quiet
from tests.archive.removal.conftest import past
from tests.conftest import PASSWORD
from vault import notes

SHELL = identify.shell("root")


def destroy(clinic: Clinic, uid: str, technologist: Any) -> dict[str, bytes]:
    """Destroy a study; return what was sent and is left."""
    mine = {row.uid for row in Instance.objects.filter(study__uid=uid)}
    removal.trash(clinic.actor_of(technologist), uid)
    past(uid)
    keeper = people.create("keeper", password=PASSWORD, roles=["keeper"], groups=[])
    destruction.destroy(clinic.actor_of(keeper), uid)
    return {name: data for name, data in clinic.sent.items() if name not in mine}


def closings(place: Path) -> list[dict[str, Any]]:
    """What the second certificates at an anchor say, each with a signature that holds."""
    name, public = closing.origin(), checkpoints.public_key()
    found = [notes.verify_note(name, public, note) for note in anchors.Folder(place).notes(name, 1 << 20)]
    return [orjson.loads(text.split("\n")[1]) for text in found]


@pytest.mark.both_databases
def test_after_the_epoch_ends_an_older_backup_restores_all_but_what_was_destroyed(
    clinic: Clinic, elsewhere: Machine, technologist: Any
) -> None:
    (uid,) = clinic.receive(1)
    older = clinic.backup()["backup"]
    with_keys = clinic.vault.with_name("copy of the place, taken before")
    shutil.copytree(clinic.vault, with_keys)
    left = destroy(clinic, uid, technologist)
    call_command("keys", "end-epoch", "1")

    (told,) = closings(clinic.place.root / "anchors")
    row = Destroyed.objects.get()
    assert told["certificates"] == [str(row.id)]
    assert (told["reached"], told["missed"]) == ([str(clinic.vault)], [])
    assert row.closed_at is not None
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []
    same_root(clinic, elsewhere)
    done = elsewhere.told("backup", "restore", str(clinic.vault), "--backup", older)
    assert (done["left_out"], done["studies"]) == (1, 3)
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == left
    # The copy that was not reached is what the certificates warn of.
    clinic.here()
    assert keypart.read(Folder(with_keys)).ids() > keypart.read(Folder(clinic.vault)).ids()


def test_before_the_epoch_ends_the_next_backup_closes_its_own_place(
    clinic: Clinic, elsewhere: Machine, technologist: Any
) -> None:
    (uid,) = clinic.receive(1)
    older = clinic.backup()["backup"]
    left = destroy(clinic, uid, technologist)
    clinic.backup()
    same_root(clinic, elsewhere)
    done = elsewhere.told("backup", "restore", str(clinic.vault), "--backup", older)
    assert done["left_out"] == 1
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == left


def test_certificates_at_the_anchors_are_replayed_even_if_the_key_part_is_old(
    clinic: Clinic, elsewhere: Machine, technologist: Any
) -> None:
    (uid,) = clinic.receive(1)
    clinic.backup()
    left = destroy(clinic, uid, technologist)
    same_root(clinic, elsewhere)
    shutil.copytree(clinic.place.root / "anchors", elsewhere.place.root / "anchors")
    done = elsewhere.told("backup", "restore", str(clinic.vault))
    assert (done["left_out"], done["destroyed_again"]) == (0, 1)
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == left


def test_a_place_that_is_not_reached_is_told_and_closed_later(clinic: Clinic, technologist: Any) -> None:
    (uid,) = clinic.receive(1)
    clinic.backup()
    destroy(clinic, uid, technologist)
    away = clinic.vault.with_name("away")
    clinic.vault.rename(away)
    with pytest.raises(CommandError, match="still opens in backups"):
        call_command("keys", "end-epoch", "1")
    (told,) = closings(clinic.place.root / "anchors")
    assert (told["reached"], told["missed"]) == ([], [str(clinic.vault)])
    assert Destroyed.objects.get().closed_at is None
    assert Alert.objects.filter(kind="backup", subject=str(clinic.vault)).exists()

    away.rename(clinic.vault)
    call_command("keys", "clean")
    assert [one["missed"] for one in closings(clinic.place.root / "anchors")] == [[str(clinic.vault)], []]
    assert Destroyed.objects.get().closed_at is not None
    call_command("keys", "clean")
    assert len(closings(clinic.place.root / "anchors")) == 2
    event = AuditEvent.objects.filter(action="key:changed", outcome="ok").latest("seq")
    assert event.count == 1


def test_a_rotated_root_leaves_nothing_at_the_place_that_the_old_one_opens(clinic: Clinic) -> None:
    clinic.backup()
    new = clinic.place.root / "new.key"
    call_command("keys", "create-root", str(new))
    call_command("keys", "rotate", "--to", f"file:{new}")
    keystore.forget()
    with pytest.raises(KeystoreError, match="not the one that wrapped"):
        keypart.read(Folder(clinic.vault))
    (clinic.place.root / "root.key").unlink()
    shutil.copy(new, clinic.place.root / "root.key")
    keystore.forget()
    assert keypart.read(Folder(clinic.vault)).ids() == set(StudyKey.objects.values_list("id", flat=True))


def test_the_former_key_part_is_overwritten_where_it_lay(clinic: Clinic) -> None:
    clinic.backup()
    with (clinic.vault / keypart.FILE).open("rb") as held:
        assert any(held.read())
        clinic.backup()
        held.seek(0)
        assert not any(held.read())


def test_the_key_part_may_be_kept_elsewhere(clinic: Clinic, elsewhere: Machine, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    clinic.told("backup", "create", str(clinic.vault), "--keys-in", str(keys))
    assert [path.name for path in keys.iterdir()] == [keypart.FILE]
    assert not (clinic.vault / keypart.FILE).exists()
    assert clinic.backup()["backup"]  # The place remembers where its keys are.
    assert not (clinic.vault / keypart.FILE).exists()
    same_root(clinic, elsewhere)
    refused = elsewhere.command("backup", "restore", str(clinic.vault))
    assert (refused.returncode, "custos.keys is missing" in refused.stderr) == (3, True)
    elsewhere.told("backup", "restore", str(clinic.vault), "--keys-in", str(keys))
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent


def test_a_place_that_is_forgotten_is_not_reached_for(clinic: Clinic, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in (clinic.vault, other):
        creating.create(SHELL, path, None, quiet)
    assert [one["place"] for one in clinic.told("backup", "places")["places"]] == [str(other), str(clinic.vault)]
    shutil.rmtree(other)
    clinic.told("backup", "forget", str(other))
    assert [one.path for one in places.registered(SHELL)] == [str(clinic.vault)]
    call_command("keys", "end-epoch", "1")
    refused = clinic.command("backup", "forget", str(other))
    assert (refused.returncode, "no registered backup place" in refused.stderr) == (1, True)
