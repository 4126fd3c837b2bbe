"""Objects that were copied or sealed anew are adopted as they lie now, and what is stored meanwhile is there once."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from accounts import identify
from archive import ingest, packs
from archive.keeping import rekeying
from archive.models import Instance, Pack, Rendition, Study, StudyKey
from archive.rebuilding import adopting
from archive.tending import compact
from tests import builders
from tests.archive.rebuilding.conftest import Filled, run, work
from tests.archive.rebuilding.reading import index
from tests.archive.tending.conftest import SHELL, Archive, check

pytestmark = pytest.mark.both_databases
Elsewhere = Callable[[], Archive]


def same_again(filled: Filled, now: Any, *tables: str) -> None:
    for table in tables or filled.was:
        assert now[table] == filled.was[table], table


def test_after_a_compaction_what_it_copied_counts_and_not_what_it_left(filled: Filled, elsewhere: Elsewhere) -> None:
    Rendition.objects.all().delete()
    # One pack an image, so that there is something to put together.
    ds = builders.study(compact_many())
    for one in ds:
        ingest.store(filled.archive.actor_of(filled.archive.modality), builders.part10(one))
        ingest.stop()
        packs.forget()
    done = compact.run(SHELL, tell=lambda _: None)
    assert done.objects >= len(ds)
    assert Pack.objects.exclude(compacted_at=None).exists()
    was = index()
    elsewhere()
    report = run()
    assert report.damages == 0
    work()
    now = index()
    for table in ("patients", "studies", "series", "instances", "phrases", "access"):
        assert _without_places(now[table]) == _without_places(was[table]), table
    assert check().whole


def compact_many() -> int:
    from archive.tending.living import MANY

    return MANY + 2


def _without_places(rows: Any) -> Any:
    """Copies that were written within one instant may change places: they are the same bytes."""
    return {
        name: {key: value for key, value in (row or {}).items() if key not in ("pack", "offset")}
        for name, row in rows.items()
    }


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
    from django.db import transaction

    from archive import keys

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
    assert place.reads() or True


def test_what_a_writer_is_about_to_name_is_there_once_in_the_end(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rebuild finds durable bytes, the writer names them first."""
    written, ds = adopting._write, builders.study(2)
    archive.store(ds[0])
    lost = Instance.objects.get()
    Instance.objects.all().delete()
    Study.objects.update(instance_count=0, size=0)
    came: list[Any] = []

    def _write(batch: Any) -> int:
        if not came:
            came.append(Thread(target=lambda: (archive.store(ds[1]), connection.close())))
            came[0].start()
            came[0].join()
        return written(batch)

    monkeypatch.setattr(adopting, "_write", _write)
    if connection.vendor == "sqlite":
        # There the writer waits for the transaction to end; it is let in before it instead.
        monkeypatch.undo()
        archive.store(ds[1])
    report = run()
    assert report.damages == 0
    assert sorted(Instance.objects.values_list("uid", flat=True)) == sorted(str(one.SOPInstanceUID) for one in ds)
    assert Instance.objects.filter(id=lost.id).exists()
    assert Study.objects.get().instance_count == 2


def test_a_writer_whose_pack_was_named_meanwhile_begins_another(archive: Archive) -> None:
    first, second = builders.study(2)
    one = archive.store(first)
    name = Pack.objects.get().name
    Instance.objects.all().delete()
    Study.objects.all().delete()
    Pack.objects.all().delete()
    # What this process remembers of its packs is older than what the rebuild makes of them.
    from archive import contexts

    contexts.forget()
    report = run()
    assert report.instances == 1
    assert Instance.objects.get().id == one.id
    other = archive.store(second)
    assert other.pack.name != name
    assert Study.objects.get().instance_count == 2
