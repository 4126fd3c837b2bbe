"""Keys are made once, opened only against a receipt, forgotten after a minute, and damage is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from accounts import gate
from archive import ingest, keyring, keys, packs, stores
from archive.columns import cell_name
from archive.errors import Damaged, Unavailable
from archive.models import Instance, Patient, Study, StudyKey
from audit import log
from audit.actions import Action
from audit.errors import NotCovered
from audit.models import Alert, AuditEvent
from tests import builders
from tests.archive.test_ingest import opened
from vault.objects import Kind, instance_slots

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


@pytest.fixture
def sender(modality: Any, actor_of: Actors) -> Any:
    return actor_of(modality)


def in_thread(act: Callable[[], Any]) -> Any:
    try:
        return act()
    finally:
        connection.close()


def test_everybody_in_a_race_gets_the_same_key(installation: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: in_thread(lambda: keys.ensure("study", ["1.2.3", "1.2.4"])), range(8)))
    assert all(one == found[0] for one in found)
    assert StudyKey.objects.count() == 2


def test_a_key_is_durable_before_it_is_given(installation: Any) -> None:
    key = keys.ensure("study", ["1.2.3"])["1.2.3"].id
    keys.forget()
    assert keys.seal(key, Kind.INSTANCE, uuid4(), instance_slots("1.2.3"), b"x")
    StudyKey.objects.all().delete()
    keys.forget()
    with pytest.raises(Unavailable):
        keys.seal(key, Kind.INSTANCE, uuid4(), instance_slots("1.2.3"), b"x")


def test_a_receipt_opens_its_study_and_no_other(sender: Any, radiologist: Any, actor_of: Actors) -> None:
    one, other = (ingest.store(sender, builders.part10(builders.ct_slice())) for _ in range(2))
    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, one.study_uid, found=True)
    with pytest.raises(NotCovered):
        keys.unlock(receipt, other.study_uid)
    opener = keys.unlock(receipt, one.study_uid)
    stranger = Instance.objects.select_related("study", "series", "pack").get(uid=other.sop_uid)
    stored = packs.read(stranger.pack.name, stranger.offset, stranger.length)
    slots = instance_slots(stranger.study.uid, stranger.series.uid, stranger.uid)
    with pytest.raises(Damaged):
        opener.object(stranger.key_id, Kind.INSTANCE, stranger.id, 0, slots, stored)
    with pytest.raises(Damaged):
        opener.cell(cell_name("study", "accession_cell"), stranger.study.id, bytes(stranger.study.accession_cell))


@pytest.fixture
def renewed(sender: Any) -> Study:
    """A study that was given another key, under which nothing of it lies yet."""
    stored = ingest.store(sender, builders.part10(builders.ct_slice()))
    with transaction.atomic():
        name = keys.replace(stored.study_uid)
        Study.objects.update(key_id=name.id)
    ingest.stop()
    return Study.objects.get()


def test_a_study_keeps_its_row_and_folder_under_another_key(renewed: Study, sender: Any) -> None:
    before = StudyKey.objects.get(scope="leaving")
    assert (before.id, before.owner, renewed.id) == (renewed.id, renewed.id, before.owner)
    assert keys.ensure("study", [renewed.uid]) == {renewed.uid: keys.KeyName(renewed.key_id, renewed.id)}
    assert renewed.key_id != renewed.id
    stored = ingest.store(sender, builders.part10(builders.ct_slice(study_uid=renewed.uid)))
    one = Instance.objects.select_related("pack").get(uid=stored.sop_uid)
    assert (one.study_id, one.key_id, one.pack.study) == (renewed.id, renewed.key_id, renewed.id)
    assert one.pack.name.startswith(f"{renewed.id.hex[:2]}/{renewed.id.hex}/")


def test_a_sender_that_remembers_the_key_before_seals_under_the_present_one(sender: Any) -> None:
    identity = builders.Identity()
    first = ingest.store(sender, builders.part10(builders.ct_slice(identity)))
    with transaction.atomic():
        name = keys.replace(first.study_uid)
        Study.objects.update(key_id=name.id)
    for _ in range(2):
        again = builders.ct_slice(identity, study_uid=first.study_uid, series_uid=first.series_uid)
        ingest.store(sender, builders.part10(again))
    assert sorted(str(key) for key in Instance.objects.values_list("key_id", flat=True)) == sorted(
        [str(name.owner), str(name.id), str(name.id)]
    )


def test_a_leaving_key_opens_everything_and_a_former_one_only_details(
    renewed: Study, radiologist: Any, actor_of: Actors
) -> None:
    row = Instance.objects.select_related("pack", "series").get()
    event = AuditEvent.objects.get(action=Action.STORE)
    assert event.details_key == row.key_id
    kept = packs.read(row.pack.name, row.offset, row.length)
    slots = instance_slots(renewed.uid, row.series.uid, row.uid)
    told = (log.DETAILS, event.id, bytes(event.details))
    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, renewed.uid, found=True)
    leaving = keys.unlock(receipt, renewed.uid)
    assert leaving.object(row.key_id, Kind.INSTANCE, row.id, 0, slots, kept)
    assert row.uid.encode() in leaving.cell(*told)
    with transaction.atomic():
        keys.retire(row.key_id)
    former = keys.unlock(receipt, renewed.uid).silent()
    assert row.uid.encode() in former.cell(*told)
    with pytest.raises(Damaged):
        former.object(row.key_id, Kind.INSTANCE, row.id, 0, slots, kept)
    with pytest.raises(Damaged):
        former.cell(cell_name("study", "accession_cell"), renewed.id, bytes(renewed.accession_cell))
    with pytest.raises(Damaged):
        keys.unlock_listed(gate.search(actor_of(radiologist), {}), [renewed.uid]).cell(*told)


def test_a_replaced_key_does_not_open_under_the_scope_it_had(
    renewed: Study, radiologist: Any, actor_of: Actors
) -> None:
    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, renewed.uid, found=True)
    with transaction.atomic():
        keys.retire(renewed.id)
    StudyKey.objects.filter(scope="former").update(scope="leaving")
    keys.forget()
    with pytest.raises(Damaged):
        keys.unlock(receipt, renewed.uid)


def test_a_key_that_the_index_names_in_place_of_another_opens_nothing(
    sender: Any, radiologist: Any, actor_of: Actors
) -> None:
    one, other = (ingest.store(sender, builders.part10(builders.ct_slice())) for _ in range(2))
    theirs = Study.objects.get(uid=other.study_uid)
    Study.objects.filter(uid=one.study_uid).update(key_id=theirs.key_id)
    Patient.objects.filter(studies__uid=one.study_uid).update(key_id=theirs.key_id)
    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, one.study_uid, found=True)
    with pytest.raises(Damaged):
        keys.unlock(receipt, one.study_uid).cell(
            cell_name("study", "accession_cell"), theirs.id, bytes(theirs.accession_cell)
        )


def test_a_search_receipt_opens_cells_and_has_no_way_to_objects(
    sender: Any, radiologist: Any, actor_of: Actors
) -> None:
    identity = builders.Identity()
    stored = ingest.store(sender, builders.part10(builders.ct_slice(identity)))
    receipt = gate.search(actor_of(radiologist), {})
    opener = keys.unlock_listed(receipt, [stored.study_uid])
    study = Study.objects.get()
    assert opener.text(cell_name("study", "accession_cell"), study.id, study.accession_cell) == identity.accession
    assert not hasattr(opener, "object")
    assert "secret" not in repr(opener)
    with pytest.raises(TypeError):
        keys.unlock_listed("no receipt", [stored.study_uid])  # type: ignore[arg-type]


def test_keys_leave_memory_after_their_minute(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "SECONDS", 0.2)
    key = keys.ensure("study", ["1.2.3"])["1.2.3"].id
    assert keys.ready(key)
    for _ in range(50):
        if not keyring._held:
            break
        import time

        time.sleep(0.05)
    assert not keys.ready(key)
    assert not keyring._held


def test_few_keys_are_in_memory_at_once(installation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "MOST", 5)
    keys.ensure("study", [f"1.2.{number}" for number in range(20)])
    assert len(keyring._held) == 5


@pytest.mark.parametrize("where", ["header", "commitment", "middle", "last"])
def test_a_changed_byte_of_a_pack_is_damage_and_an_alert(
    installation: Any, sender: Any, radiologist: Any, actor_of: Actors, where: str
) -> None:
    stored = ingest.store(sender, builders.part10(builders.ct_slice(side=128)))
    instance = Instance.objects.get(uid=stored.sop_uid)
    ingest.stop()
    place = {"header": 20, "commitment": 80, "middle": instance.length // 2, "last": instance.length - 1}[where]
    file = installation.data / "packs" / f"{instance.pack.name}.pack"
    data = bytearray(file.read_bytes())
    data[instance.offset + place] ^= 1
    file.write_bytes(data)
    with pytest.raises(Damaged):
        opened(actor_of(radiologist), instance)
    instance.refresh_from_db()
    assert instance.damaged_at is not None
    assert Alert.objects.filter(kind="damaged", subject=str(instance.id)).count() == 1


def test_objects_of_one_study_that_swapped_places_do_not_open(sender: Any, radiologist: Any, actor_of: Actors) -> None:
    one, other = (ingest.store(sender, builders.part10(ds)) for ds in builders.study(2))
    rows = [Instance.objects.get(uid=stored.sop_uid) for stored in (one, other)]
    rows[0].offset, rows[0].length = rows[1].offset, rows[1].length
    with pytest.raises(Damaged):
        opened(actor_of(radiologist), rows[0])


def test_a_whole_copy_of_a_damaged_instance_is_kept(installation: Any, sender: Any) -> None:
    sent = builders.part10(builders.ct_slice())
    stored = ingest.store(sender, sent)
    instance = Instance.objects.get(uid=stored.sop_uid)
    file = installation.data / "packs" / f"{instance.pack.name}.pack"
    file.write_bytes(bytes(file.stat().st_size))
    assert ingest.store(sender, sent).status == "held"
    assert stores.NAME.fullmatch(instance.pack.name)
