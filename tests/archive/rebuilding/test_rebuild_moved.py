"""Objects that were copied or sealed anew are adopted as they lie now, and what is stored meanwhile is there once."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from django.db import transaction

from accounts import identify
from accounts.models import Access, Restricted
from archive import contexts, ingest, keys, packs, rounds
from archive.keeping import rekeying
from archive.models import Instance, Pack, Patient, Phrase, Rendition, Study, StudyKey
from archive.rebuilding import adopting, reconciling
from archive.tending import compact
from archive.tending.living import MANY
from tests import builders
from tests.archive.rebuilding.conftest import Filled, run, work
from tests.archive.rebuilding.reading import index
from tests.archive.tending.conftest import SHELL, Archive, check

pytestmark = pytest.mark.both_databases
Elsewhere = Callable[[], Archive]


def test_after_a_compaction_what_it_copied_counts_and_not_what_it_left(filled: Filled, elsewhere: Elsewhere) -> None:
    # One pack an image, so that there is something to put together.
    ds = builders.study(MANY + 2)
    for one in ds:
        ingest.store(filled.archive.actor_of(filled.archive.modality), builders.part10(one))
        ingest.stop()
        packs.forget()
    work()
    done = compact.run(SHELL, tell=lambda _: None)
    assert done.objects >= len(ds)
    assert Pack.objects.exclude(compacted_at=None).exists()
    was = index()
    elsewhere()
    report = run()
    assert report.damages == 0
    work()
    now = index()
    for table, rows in was.items():
        assert now[table] == rows, table
    assert check().whole


def test_packs_in_a_bucket_give_the_index_back(in_bucket: Archive) -> None:
    rows = [in_bucket.store(ds) for ds in (*builders.study(3), builders.ct_slice())]
    work()
    ingest.stop()
    was = index()
    for model in (Rendition, Instance, Study, Patient, Pack, Phrase):
        model._default_manager.all().delete()
    Access.objects.all().delete()
    contexts.forget()
    report = run()
    assert (report.studies, report.instances, report.damages) == (2, len(rows), 0)
    work()
    now = index()
    for table, before in was.items():
        assert now[table] == before, table


@pytest.mark.parametrize("retired", [True, False])
def test_after_a_rekey_what_was_sealed_anew_counts(filled: Filled, elsewhere: Elsewhere, *, retired: bool) -> None:
    uid = next(uid for uid, row in filled.was["studies"].items() if row["held_count"])
    rekeying.rekey(identify.shell("tests"), uid)
    if retired:
        work()
        assert StudyKey.objects.filter(scope="former").count() == 1
    was = index()
    ingest.stop()
    elsewhere()
    report = run()
    assert report.damages == 0
    work()
    now = index()
    for table in ("patients", "series", "instances", "renditions", "access"):
        assert now[table] == was[table], table
    ours = {name: row for name, row in was["held"].items() if row["state"] == "held"}
    assert {name: row for name, row in now["held"].items() if row["state"] == "held"} == ours


def test_what_a_rekey_had_not_reached_is_adopted_under_the_key_before(archive: Archive, elsewhere: Elsewhere) -> None:
    rows = [archive.store(ds) for ds in builders.study(2)]
    with transaction.atomic():
        present = keys.replace(rows[0].study.uid)
        Study.objects.update(key=present.id)
    ingest.stop()
    place = elsewhere()
    report = run()
    assert (report.instances, report.damages) == (2, 0)
    assert Study.objects.get().key_id == present.id
    assert {row.key_id for row in Instance.objects.all()} == {rows[0].key_id}
    rekeying.rekey(identify.shell("tests"), rows[0].study.uid)
    assert {row.key_id for row in Instance.objects.all()} == {present.id}
    reconciling.reconcile(SHELL, rows[0].study.uid)
    assert place.reads()


@pytest.mark.parametrize("first", ["writer", "rebuild"])
def test_what_a_writer_is_about_to_name_is_there_once_in_the_end(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Durable bytes of which no row is committed yet are found by a rebuild; either of the two may be first."""
    durable, go, statuses = Event(), Event(), list[str]()
    waiting, adopted, ds = rounds._commit, adopting._commit, builders.ct_slice()

    def _waiting(admissions: Any, refusals: Any, flushed: Any) -> Any:
        flushed()
        durable.set()
        assert go.wait(60)
        return waiting(admissions, refusals, flushed)

    def _adopted(now: Any, batch: Any) -> None:
        if first == "writer":
            go.set()
            storing.join()
        adopted(now, batch)

    monkeypatch.setattr(rounds, "_commit", _waiting)
    monkeypatch.setattr(adopting, "_commit", _adopted)
    actor, data = archive.actor_of(archive.modality), builders.part10(ds)
    storing = Thread(target=lambda: statuses.append(ingest.store(actor, data).status))
    storing.start()
    assert durable.wait(60)
    report = run()
    go.set()
    storing.join()
    assert statuses == ["stored" if first == "writer" else "same"]
    assert (report.instances, report.dead) == ((0, 1) if first == "writer" else (1, 0))
    assert Instance.objects.get().uid == str(ds.SOPInstanceUID)
    assert Study.objects.get().instance_count == 1
    assert Restricted.objects.exists() == (first == "rebuild")


def test_a_writer_whose_pack_was_named_meanwhile_begins_another(archive: Archive) -> None:
    first, second = builders.study(2)
    one = archive.store(first)
    name = Pack.objects.get().name
    Instance.objects.all().delete()
    Study.objects.all().delete()
    Pack.objects.all().delete()
    contexts.forget()
    report = run()
    assert report.instances == 1
    assert Instance.objects.get().id == one.id
    other = archive.store(second)
    assert other.pack.name != name
    assert Study.objects.get().instance_count == 2
