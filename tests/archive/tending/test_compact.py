"""A compaction copies what lives byte for byte, and only then lets the old packs go; it opens nothing."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from archive import appending, derive, ingest, packs, reconcile, removal, turn
from archive.direct import BLOCK
from archive.errors import Unavailable, Unsuitable
from archive.fixity import scrub
from archive.models import Finding, Held, Instance, Job, Pack, Rendition
from archive.tending import compact as compacting
from archive.tending import discarding, living
from audit import log
from audit.models import Alert, AuditEvent
from tests import builders
from tests.archive.fixity.conftest import flip
from tests.archive.tending.conftest import SHELL, Archive, check, compact, record, work
from tests.archive.tending.test_sweep import begin_log, with_another_connection
from tests.archive.tending.test_sweep import run as sweep

pytestmark = pytest.mark.both_databases


def records() -> dict[Any, bytes]:
    """Every record that the index names, by the id of its object."""
    models = (Instance, Rendition, Held)
    rows = (row for model in models for row in model._default_manager.exclude(pack=None).select_related("pack"))
    return {row.id: record(row) for row in rows}


def in_use() -> set[str]:
    tables = (Instance, Rendition, Held)
    return {name for table in tables for name in table._default_manager.values_list("pack__name", flat=True) if name}


def test_what_lives_is_copied_byte_for_byte_and_the_old_pack_goes_later(archive: Archive, technologist: Any) -> None:
    rows = archive.half_dead()
    derive.metadata(str(rows[0].series_id), lambda done, total: None)
    derive.preview(str(rows[0].series_id), lambda done, total: None)
    ds = builders.study(1)[0]
    archive.store(ds)  # of another study, which stays as it is
    ds.PatientName = "OTHER^NAME"
    untouched = archive.lying() - {rows[0].pack.name}
    before, old, events = records(), archive.lying(), set(AuditEvent.objects.values_list("id", flat=True))
    out = StringIO()
    call_command("archive", "compact", "--json", stdout=out)
    told = json.loads(out.getvalue())
    (event,) = AuditEvent.objects.exclude(id__in=events)  # nothing was opened: there is no other event
    assert (event.action, event.actor_kind, event.study_uid) == ("archive:compacted", "shell", rows[0].study.uid)
    assert log.open_details(event) == {"packs": 1, "objects": 3, "bytes": told["bytes"]}
    assert (told["studies"], told["packs"], told["objects"], told["broken"]) == (1, 1, 3, 0)
    assert told["bytes"] == sum(len(before[row.id]) for row in rows)
    blocks = archive.file(rows[0].pack.name).stat().st_size // BLOCK
    assert told["dead"] + told["bytes"] <= blocks * BLOCK < told["dead"] + told["bytes"] + (len(rows) + 3) * BLOCK
    assert records() == before
    assert rows[0].pack.name not in in_use()
    assert old < archive.lying()
    assert untouched < in_use()
    assert archive.reads()
    work("discard")
    assert archive.lying() == in_use()
    assert archive.reads()
    report = check()
    assert report.whole
    assert (report.unnamed_packs, report.unnamed_records) == ([], 0)
    assert records() == before
    assert scrub.run(SHELL, tell=lambda now, total: None).damaged == 0
    assert (compact().objects, compact().packs) == (0, 0)


def test_what_is_held_back_and_what_is_derived_moves_along(archive: Archive, technologist: Any) -> None:
    rows = archive.half_dead(closed=False)
    ds = builders.ct_slice(builders.Identity(), StudyInstanceUID=rows[0].study.uid)
    archive.store(ds)
    ds.PatientName = "OTHER^NAME"
    assert ingest.store(archive.actor_of(archive.modality), builders.part10(ds)).status == "held"
    work("compare")
    derive.metadata(str(rows[0].series_id), lambda done, total: None)
    packs.forget()
    before = records()
    assert len(before) == 6
    assert compact().objects == 6
    work("discard")
    assert records() == before
    assert archive.lying() == in_use()
    actor = archive.actor_of(technologist)
    (held,) = reconcile.held(actor, rows[0].study.uid)
    assert [one.keyword for one in reconcile.difference(actor, held.id).comparison.attributes] == ["PatientName"]
    assert scrub.run(SHELL, tell=lambda now, total: None).damaged == 0


def test_the_share_decides_and_a_study_may_be_named(archive: Archive) -> None:
    one, other = archive.half_dead()[0], archive.half_dead()[0]
    assert compact(percent=60) == compacting.Compacted()
    assert compact(study_uids=[other.study.uid]).studies == 1
    assert one.pack.name in in_use()
    assert other.pack.name not in in_use()
    with pytest.raises(CommandError, match="not in the archive"):
        call_command("archive", "compact", "1.2.3")


def test_a_study_in_the_trash_is_left_alone(archive: Archive, technologist: Any) -> None:
    row = archive.half_dead()[0]
    removal.trash(archive.actor_of(technologist), row.study.uid)
    assert compact().objects == 0
    with pytest.raises(Unsuitable, match="trash"):
        compact(study_uids=[row.study.uid])
    removal.restore(archive.actor_of(technologist), row.study.uid)
    assert compact().objects == 3


@pytest.mark.parametrize("kind", ["disk", "bucket"])
def test_many_small_packs_become_one(archive: Archive, kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "bucket":
        request.getfixturevalue("in_bucket")
    slices = builders.study(living.MANY + 1)
    for ds in slices[1:]:
        archive.store(ds)
        packs.forget()
    assert compact().objects == 0
    archive.store(slices[0])
    packs.forget()
    before = records()
    assert len(in_use()) == len(slices)
    assert compact().packs == len(slices)
    assert len(in_use()) == 1
    assert archive.reads()
    work("discard")
    assert archive.lying() == in_use()
    assert records() == before
    assert archive.reads()
    assert check().whole
    assert compact().objects == 0


def test_records_go_in_many_flushes_and_transactions_when_there_are_many(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.half_dead(5)
    before = records()
    monkeypatch.setattr(compacting, "BATCH_RECORDS", 2)
    assert compact().objects == 5
    assert AuditEvent.objects.filter(action="archive:compacted").count() == 3
    work("discard")
    assert (records(), archive.lying()) == (before, in_use())


def test_a_record_that_does_not_authenticate_is_copied_as_it_is_and_its_finding_stays(archive: Archive) -> None:
    rows = archive.half_dead()
    flip(archive.file(rows[1].pack.name), rows[1].offset + 200)
    assert scrub.run(SHELL, tell=lambda now, total: None).damaged == 1
    before, found = records(), Finding.objects.get()
    assert compact().objects == 3
    work("discard")
    assert records() == before
    assert rows[0].pack.name not in archive.lying()
    assert scrub.run(SHELL, tell=lambda now, total: None).damaged == 1
    after = Finding.objects.get()
    assert (after.id, after.error, after.mended_at) == (found.id, found.error, None)


def test_a_pack_that_cannot_be_walked_is_left_alone_and_said(archive: Archive) -> None:
    rows = archive.half_dead()
    flip(archive.file(rows[0].pack.name), 3)
    with pytest.raises(CommandError, match="cannot be walked") as refused:
        call_command("archive", "compact")
    assert refused.value.returncode == 3
    assert rows[0].pack.name in in_use()
    assert not Job.objects.filter(kind=discarding.JOB).exists()


def test_what_does_not_read_back_as_it_was_written_is_not_named(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = archive.half_dead()
    real = appending.Writer.flush

    def flush(writer: appending.Writer, places: Any) -> None:
        made = list(places)
        real(writer, made)
        flip(archive.file(made[1].name), made[1].offset + 100)

    monkeypatch.setattr(appending.Writer, "flush", flush)
    with pytest.raises(Unavailable, match="does not read back"):
        compact()
    assert in_use() == {rows[0].pack.name}
    assert archive.reads()


def test_nothing_is_compacted_where_it_may_be_what_was_lost_or_somebody_else_tends_the_packs(archive: Archive) -> None:
    archive.half_dead()
    with turn.tending(), pytest.raises(Unavailable, match="Another care"):
        with_another_connection(compact)
    begin_log(2, timezone.now())
    with pytest.raises(Unsuitable, match="restored on"):
        compact()


def test_a_discard_waits_for_whoever_tends_the_packs_and_for_a_restored_database(archive: Archive) -> None:
    row = archive.half_dead()[0]
    compact()
    with turn.tending():
        with_another_connection(lambda: work("discard"))
    assert row.pack.name in archive.lying()
    assert Job.objects.get(kind="discard", state="due").attempts == 0
    begin_log(2, timezone.now())
    work("discard")
    assert row.pack.name in archive.lying()
    assert Job.objects.filter(kind="discard", state="due").count() == 1


def test_a_discard_leaves_a_pack_in_which_something_is_named_again(archive: Archive) -> None:
    row = archive.half_dead()[0]
    compact()
    moved = Instance.objects.get(id=row.id)
    Instance.objects.filter(id=row.id).update(pack=row.pack_id, offset=row.offset)
    work("discard")
    assert row.pack.name in archive.lying()
    assert Pack.objects.get(name=row.pack.name).removed_at is None
    Instance.objects.filter(id=row.id).update(pack=moved.pack_id, offset=moved.offset)
    assert compact().packs == 1  # it is empty again, and promised again
    work("discard")
    assert row.pack.name not in archive.lying()
    assert not Alert.objects.exists()
    assert sweep().packs == 0
