"""Packs and key table alone give the index back, row by row; and nobody sees a study before people have decided."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts import scope
from accounts.errors import Forbidden, NotVisible
from accounts.models import Access, Device, Restricted
from archive import ingest, query, reconcile
from archive.models import Held, Instance, Rendition, Series, Study, Unnamed
from archive.query import Criteria, Page
from archive.rebuilding import rebuild, reconciling
from audit.models import AuditEvent
from tests import builders
from tests.archive.fixity.conftest import flip
from tests.archive.rebuilding.conftest import Filled, file_of, run, work
from tests.archive.rebuilding.reading import index
from tests.archive.tending.conftest import SHELL, Archive, check

pytestmark = pytest.mark.both_databases
Elsewhere = Callable[[], Archive]


def test_an_empty_database_with_the_key_table_gets_every_row_back(filled: Filled, elsewhere: Elsewhere) -> None:
    place = elsewhere()
    assert not Study.objects.exists()
    done = place.command("check", "--rebuild", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["rebuilt"]
    assert (told["studies"], told["instances"]) == (len(filled.was["studies"]), len(filled.was["instances"]))
    assert set(Restricted.objects.values_list("study_uid", flat=True)) == set(filled.was["studies"])
    work()
    now = index()
    for table, rows in filled.was.items():
        assert now[table].keys() == rows.keys(), table
        for name, row in rows.items():
            assert now[table][name] == row, (table, name)
    assert not Unnamed.objects.exists()
    report = check()
    assert report.whole
    assert report.unnamed_packs == []


def test_what_was_rebuilt_comes_back_byte_for_byte_once_it_is_reconciled(filled: Filled, elsewhere: Elsewhere) -> None:
    sent = {row.uid: row.sha256 for row in Instance.objects.filter(current=True)}
    place = elsewhere()
    run()
    assert {row.uid: row.sha256 for row in Instance.objects.all()} == sent
    reader = place.actor_of(place.reader)
    assert query.studies(reader, Criteria(), Page()).rows == []
    mine = set(Access.objects.filter(audience__in=reader.audiences).values_list("study_uid", flat=True))
    for uid in mine:
        with pytest.raises(NotVisible):
            query.study(reader, uid)
        reconciling.reconcile(SHELL, uid)
    reader = place.actor_of(place.reader)
    assert {row.uid for row in query.studies(reader, Criteria(), Page()).rows} == mine


def test_a_rebuild_is_on_record_study_by_study_and_as_a_whole(filled: Filled, elsewhere: Elsewhere) -> None:
    elsewhere()
    run()
    events = AuditEvent.objects.filter(action="archive:rebuilt").order_by("seq")
    opened = list(events.filter(actor_name="tend").values_list("study_uid", flat=True))
    assert sorted(opened) == sorted(filled.was["studies"])
    last = events.last()
    assert last is not None
    assert (last.actor_kind, last.count) == ("shell", len(filled.was["instances"]))


def test_a_second_rebuild_changes_nothing(filled: Filled, elsewhere: Elsewhere) -> None:
    elsewhere()
    run()
    work()
    before = index()
    again = run()
    assert (again.studies, again.instances, again.newcomers, again.renditions) == (0, 0, 0, 0)
    assert again.damages == 0
    work()
    assert index() == before


def test_a_study_whose_sender_is_not_known_any_more_falls_to_nobody(filled: Filled, elsewhere: Elsewhere) -> None:
    elsewhere()
    Device.objects.filter(ae_title="ECHO_ONE").delete()
    run()
    theirs = [uid for uid, row in filled.was["studies"].items() if row["sender"] == "ECHO_ONE"]
    assert theirs
    owners = set(Access.objects.filter(study_uid__in=theirs).values_list("audience", "rule"))
    assert (scope.UNASSIGNED, "unassigned") in owners


def test_a_database_that_lost_some_rows_gets_those_back(filled: Filled) -> None:
    study = Study.objects.order_by("-instance_count")[0]
    lost = Instance.objects.filter(study=study, held=None).order_by("received_at").last()
    assert lost is not None
    Rendition.objects.filter(series=lost.series).delete()
    lost.delete()
    for row in (study, Series.objects.get(id=lost.series_id)):
        row.instance_count -= 1
        row.save(update_fields=["instance_count"])
    Study.objects.filter(id=study.id).update(size=study.size - lost.size)
    gone = Study.objects.exclude(id=study.id).filter(held=None).order_by("uid")[0]
    Rendition.objects.filter(study=gone).delete()
    gone.delete()
    report = run()
    assert (report.studies, report.damages) == (1, 0)
    assert set(Restricted.objects.values_list("study_uid", flat=True)) == {gone.uid}
    work()
    now = index()
    assert now["instances"].keys() == filled.was["instances"].keys()
    assert now["studies"][study.uid] == filled.was["studies"][study.uid]
    assert now["studies"][gone.uid] == filled.was["studies"][gone.uid]
    assert check().whole


def test_what_a_person_accepted_is_held_back_again(archive: Archive, elsewhere: Elsewhere, technologist: Any) -> None:
    ds = builders.ct_slice()
    original = archive.store(ds)
    ds.PixelData = bytes(len(ds.PixelData))
    assert ingest.store(archive.actor_of(archive.modality), builders.part10(ds)).status == "held"
    work()
    held = Held.objects.get()
    reconcile.accept(archive.actor_of(technologist), held.id)
    work()
    assert Instance.objects.get(current=True).id != original.id
    ingest.stop()
    elsewhere()
    report = run()
    assert (report.instances, report.newcomers, report.damages) == (1, 1, 0)
    work()
    now = Instance.objects.get()
    assert (now.id, now.current) == (original.id, True)
    again = Held.objects.get()
    assert (again.id, again.state, again.instance_id) == (held.id, "held", original.id)
    assert Study.objects.get().held_count == 1


def test_an_accepted_image_takes_the_place_of_an_original_that_does_not_open(
    archive: Archive, elsewhere: Elsewhere, technologist: Any
) -> None:
    ds = builders.ct_slice()
    original = archive.store(ds)
    ds.PixelData = bytes(len(ds.PixelData))
    ingest.store(archive.actor_of(archive.modality), builders.part10(ds))
    work()
    reconcile.accept(archive.actor_of(technologist), Held.objects.get().id)
    accepted = Instance.objects.get(current=True)
    ingest.stop()
    flip(file_of(original), original.offset + 200)
    elsewhere()
    report = run()
    assert report.damages == 1
    assert Instance.objects.get().id == accepted.id
    assert not Held.objects.exists()


def test_who_may_not_tend_the_archive_rebuilds_nothing(archive: Archive, elsewhere: Elsewhere) -> None:
    archive.store(builders.ct_slice())
    place = elsewhere()
    with pytest.raises(Forbidden):
        rebuild.run(place.actor_of(place.reader))
    assert not Study.objects.exists()
