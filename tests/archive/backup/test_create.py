"""A backup is of one moment, whoever writes meanwhile; it takes only what is new, and an interrupted one is none."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from accounts import identify, people
from accounts.errors import Forbidden
from archive import destruction, ingest, packs, removal
from archive.backup import creating, manifest, sections, snapshot
from archive.backup.folder import Folder
from archive.errors import Unavailable, Unsuitable
from archive.models import BackupPlace, Instance, Pack, Rendition, Study
from archive.turn import tending
from audit import log
from audit.models import AuditEvent
from keystore import keys as keystore
from tests import builders
from tests.archive.backup.conftest import Actors, Clinic, Machine, everything, same_root
from tests.archive.conftest import Place
from tests.archive.removal.conftest import past
from tests.conftest import PASSWORD

SHELL = identify.shell("root")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def quiet(*_: Any) -> None:
    """Tell nobody how far it is."""


@pytest.mark.both_databases
def test_one_new_study_costs_less_than_a_twentieth_of_the_whole(clinic: Clinic) -> None:
    clinic.receive(40, slices=3, side=96)
    clinic.work()
    full = clinic.backup()
    assert full["written"] > full["size"] > 2_000_000
    clinic.receive(1, slices=3, side=32)
    clinic.work()
    more = clinic.backup()
    assert more["packs"] == full["packs"] + 1
    assert more["written"] < full["written"] / 20
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []


def test_a_backup_again_writes_no_pack_and_only_the_parts_that_changed(clinic: Clinic) -> None:
    clinic.backup()
    before = files(clinic.vault)
    clinic.backup()
    after = files(clinic.vault)
    new = {name.split("/")[0] for name in after.keys() - before.keys()}
    assert new == {"parts", "backups"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"custos.keys"}


def test_a_pack_that_grew_is_carried_on_from_where_it_was(clinic: Clinic) -> None:
    (uid, *_) = clinic.receive(1)
    clinic.backup()
    actor = clinic.actor_of(clinic.modality)
    ds = builders.ct_slice(study_uid=uid)
    clinic.sent[str(ds.SOPInstanceUID)] = builders.part10(ds)
    ingest.store(actor, clinic.sent[str(ds.SOPInstanceUID)])
    clinic.backup()
    pack = Instance.objects.get(uid=ds.SOPInstanceUID).pack.name
    runs = [name for name in files(clinic.vault) if name.startswith(f"packs/{pack}.")]
    assert len(runs) == 2
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []


def test_a_run_that_is_missing_at_the_place_is_brought_again(clinic: Clinic) -> None:
    clinic.backup()
    (gone, *_) = sorted((clinic.vault / "packs").rglob("*.0"))
    content = gone.read_bytes()
    gone.unlink()
    assert clinic.told("backup", "verify", str(clinic.vault), status=3)["faults"]
    clinic.backup()
    assert gone.read_bytes() == content
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []


def test_a_damaged_part_that_is_still_needed_is_written_anew(clinic: Clinic) -> None:
    clinic.backup()
    for part in (path for path in (clinic.vault / "parts").rglob("*") if path.is_file()):
        part.write_bytes(part.read_bytes()[:-1])
    clinic.backup()
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []


@pytest.mark.both_databases
def test_it_is_of_one_moment_whoever_stores_meanwhile(clinic: Clinic, elsewhere: Machine) -> None:
    sent = dict(clinic.sent)
    at_work = iter(range(1000))

    def tell(what: str, _done: int, _total: int) -> None:
        if next(at_work) in (2, 9, 30) or what == "packs":
            _elsewhere_in_this_process(clinic)

    creating.create(SHELL, clinic.vault, None, tell)
    assert len(clinic.sent) > len(sent) + 3
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []
    same_root(clinic, elsewhere)
    elsewhere.told("backup", "restore", str(clinic.vault))
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == sent


def _elsewhere_in_this_process(clinic: Clinic) -> None:
    """Store a study through the writer's own thread, which has a connection of its own."""
    ds = builders.ct_slice(builders.Identity())
    data = builders.part10(ds)
    clinic.sent[str(ds.SOPInstanceUID)] = data
    ticket = ingest.submit(clinic.sender, data)
    assert ticket.result(20).status == "stored"


@pytest.mark.both_databases
def test_what_is_destroyed_while_it_runs_does_not_come_back(
    clinic: Clinic, elsewhere: Machine, technologist: Any, actor_of: Actors
) -> None:
    keeper = actor_of(people.create("keeper", password=PASSWORD, roles=["keeper"], groups=[]))
    (uid,) = clinic.receive(1)
    mine = {row.uid for row in Instance.objects.filter(study__uid=uid)}
    removal.trash(actor_of(technologist), uid)
    past(uid)
    destroyed = list[UUID]()

    def tell(what: str, done: int, total: int) -> None:
        if what == "tables" and done == total:
            return
        if what == "packs" and not destroyed:
            destroyed.append(destruction.destroy(keeper, uid))

    creating.create(SHELL, clinic.vault, None, tell)
    assert destroyed
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []
    same_root(clinic, elsewhere)
    done = elsewhere.told("backup", "restore", str(clinic.vault))
    assert (done["left_out"], done["studies"]) == (1, 3)
    kept = {name: data for name, data in clinic.sent.items() if name not in mine}
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == kept
    assert not list((elsewhere.place.data / "packs").rglob(f"*{uid}*"))
    names = {path.name.removesuffix(".pack") for path in (elsewhere.place.data / "packs").rglob("*.pack")}
    assert names == {name.split("/")[-1] for name in Pack.objects.values_list("name", flat=True)}


@pytest.mark.parametrize(
    ("place", "when", "nth"),
    [
        ("archive.backup.parts.seal_rows", "before", 3),
        ("archive.backup.copying.copy", "after", 2),
        ("archive.backup.keypart._content", "after", 1),
        ("archive.backup.manifest.write", "before", 1),
        ("archive.backup.manifest.write", "after", 1),
    ],
)
def test_killed_at_any_instant_the_place_holds_the_backups_before_and_the_next_is_whole(
    clinic: Clinic, place: str, when: str, nth: int
) -> None:
    first = clinic.backup()["backup"]
    clinic.receive(1)
    clinic.killed(place, when, nth, "backup", "create", str(clinic.vault))
    there = clinic.told("backup", "list", str(clinic.vault))["backups"]
    assert len(there) == (2 if (place, when) == ("archive.backup.manifest.write", "after") else 1)
    assert clinic.told("backup", "verify", str(clinic.vault), "--backup", first)["faults"] == []
    last = clinic.backup()["backup"]
    told = clinic.told("backup", "verify", str(clinic.vault))
    assert (told["name"], told["faults"]) == (last, [])


def test_two_cares_of_the_packs_are_never_under_way_at_once(clinic: Clinic) -> None:
    with tending():
        refused = clinic.command("backup", "create", str(clinic.vault))
    assert (refused.returncode, "Another care of the packs" in refused.stderr) == (1, True)
    assert not (clinic.vault / "backups").exists()


def test_the_newest_is_the_last_one_made_whatever_the_clock_says(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    for when in (datetime(2031, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)):
        monkeypatch.setattr(timezone, "now", lambda when=when: when)
        made = creating.create(SHELL, clinic.vault, None, quiet)
    folder = Folder(clinic.vault)
    assert manifest.names(folder) == ["000001-20310101T000000Z", "000002-20010101T000000Z", "000003-20010101T000000Z"]
    newest = manifest.newest(folder, keystore.installation_key("backup"))
    assert newest is not None
    assert newest.name == made.name == "000003-20010101T000000Z"


def test_a_place_that_is_not_there_or_lies_in_the_data_is_refused(clinic: Clinic, tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "away", "is not there"),
        (clinic.place.data, "outside PACS_DATA_DIR"),
        (Path("relative"), "from the first slash"),
    ):
        with pytest.raises((Unsuitable, Unavailable), match=words):
            creating.create(SHELL, path, None, quiet)
    assert not BackupPlace.objects.exists()


def test_a_full_disk_ends_it_in_words_and_leaves_no_backup(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            creating.create(SHELL, clinic.vault, None, quiet)
    assert manifest.names(Folder(clinic.vault)) == []
    assert not [name for name in files(clinic.vault) if name.endswith(".unfinished")]
    creating.create(SHELL, clinic.vault, None, quiet)


def test_it_is_on_record_and_only_for_those_who_may(
    clinic: Clinic, radiologist: Any, administrator: Any, actor_of: Actors
) -> None:
    for person in (radiologist, administrator):
        with pytest.raises(Forbidden):
            creating.create(actor_of(person), clinic.vault, None, quiet)
    made = creating.create(SHELL, clinic.vault, None, quiet)
    event = AuditEvent.objects.filter(action="backup:created", outcome="ok").latest("seq")
    assert (event.actor_kind, event.count) == ("shell", made.rows)
    assert (log.open_details(event) or {})["backup"] == made.name
    assert AuditEvent.objects.filter(action="backup:created", outcome="denied").count() == 2


def test_no_file_of_a_place_can_be_read_by_others(clinic: Clinic) -> None:
    clinic.backup()
    for path in clinic.vault.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_snapshot_sees_nothing_that_is_written_later_and_refuses_to_write(clinic: Clinic) -> None:
    with snapshot.consistent():
        before = Study.objects.count()
        _elsewhere_in_this_process(clinic)
        assert Study.objects.count() == before
        if connection.vendor == "postgresql":
            with pytest.raises(Exception, match="read-only"):
                BackupPlace.objects.create(path="/x", keys_path="/x", registered_at="2026-01-01T00:00:00Z")
    assert Study.objects.count() == before + 1


def test_a_row_that_comes_between_changes_one_part_and_no_other() -> None:
    section = sections.section("archive_patient")
    ids = [UUID(int=number * 7919) for number in range(2000)]
    cut = [sections._ends((one,), section.groups) for one in ids]
    assert 2000 / section.groups / 2 < sum(cut) < 2000 / section.groups * 2


def test_packs_in_a_bucket_are_backed_up_and_come_back_to_a_disk(
    clinic: Clinic, elsewhere: Machine, bucket: Place, settings: Any
) -> None:
    packs.forget()
    for name, value in bucket.environment.items():
        setattr(settings, name, value)
    clinic.extra.update(bucket.environment)
    clinic.sent.clear()
    uids = clinic.receive(2, slices=3)
    ingest.stop()
    for uid in Study.objects.exclude(uid__in=uids).values_list("uid", flat=True):
        Instance.objects.filter(study__uid=uid).delete()
    Rendition.objects.all().delete()
    assert clinic.backup()["packs"] == len(set(Instance.objects.values_list("pack", flat=True)))
    assert clinic.told("backup", "verify", str(clinic.vault))["faults"] == []
    same_root(clinic, elsewhere)
    elsewhere.told("backup", "restore", str(clinic.vault))
    packs.forget()
    settings.PACS_S3_ENDPOINT = ""
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
