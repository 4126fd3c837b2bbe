"""A sweep removes what nobody names and nothing else: not what is young, not what is being named, not what was lost."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Thread
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from archive import derive, ingest, packs, stores, turn
from archive.errors import Unavailable, Unsuitable
from archive.models import Held, Pack, Rendition
from archive.tending import naming, sweep
from archive.tending.sweep import Swept
from audit import log, rows, tables
from audit.models import AuditEvent
from tests import builders
from tests.archive.tending.conftest import SHELL, Archive, check, orphan
from tests.archive.test_reconcile import compare_all

pytestmark = pytest.mark.both_databases


def run(**options: Any) -> Swept:
    return sweep.run(SHELL, **options)


def test_what_nobody_names_goes_after_the_grace_and_everything_else_stays(archive: Archive) -> None:
    row = archive.store(builders.ct_slice())
    packs.forget()
    derive.preview(str(row.series_id), lambda done, total: None)
    packs.forget()
    old, beside = orphan(), orphan(row.study_id)
    archive.age(8)
    young = orphan()
    archive.age(6.9, young)
    size = sum(archive.file(name).stat().st_size for name in (old, beside))
    out = StringIO()
    call_command("archive", "sweep", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "packs": 2, "bytes": size, "names": 0, "folders": 0, "young": 1, "dry_run": False
    }  # fmt: skip
    named = set(Pack.objects.filter(removed_at=None).values_list("name", flat=True))
    assert archive.lying() == {young, *named}
    assert len(named) == 2
    assert archive.reads()
    assert check().whole
    event = AuditEvent.objects.get(action="archive:swept")
    assert (event.actor_kind, event.outcome) == ("shell", "ok")
    assert log.open_details(event) == {"packs": 2, "bytes": size, "names": 0}


def test_a_dry_run_tells_the_same_and_removes_nothing(archive: Archive) -> None:
    archive.store(builders.ct_slice())
    name = orphan()
    archive.age(2)
    before = archive.lying()
    told = run(grace=timedelta(days=1), dry_run=True)
    assert (told.packs, told.bytes) == (1, archive.file(name).stat().st_size)
    assert archive.lying() == before
    assert not Pack.objects.exclude(removed_at=None).exists()
    assert replace(told, folders=0) == replace(run(grace=timedelta(days=1)), folders=0)
    assert archive.lying() == before - {name}


@pytest.mark.parametrize("grace", ["0", "-1", "x", "1.5"])
def test_a_grace_under_a_day_is_refused(installation: Any, grace: str) -> None:
    with pytest.raises(CommandError):
        call_command("archive", "sweep", "--grace", grace)


def test_a_pack_stays_whatever_kind_of_row_names_it(archive: Archive) -> None:
    ds = builders.ct_slice()
    row = archive.store(ds)
    packs.forget()
    derive.metadata(str(row.series_id), lambda done, total: None)
    packs.forget()
    ds.PatientName = "OTHER^NAME"
    assert ingest.store(archive.actor_of(archive.modality), builders.part10(ds)).status == "held"
    compare_all()
    packs.forget()
    archive.age(400)
    assert run().packs == 0
    assert len(archive.lying()) == 3
    # One after the other its last row goes, and then it goes, too.
    Rendition.objects.all().delete()
    assert run().packs == 1
    Held.objects.all().delete()
    assert run().packs == 1
    assert archive.lying() == {row.pack.name}
    assert archive.reads()


def test_what_was_released_as_the_same_keeps_no_pack_and_is_recognised_all_the_same(archive: Archive) -> None:
    ds = builders.ct_slice()
    archive.store(ds)
    packs.forget()
    again = builders.part10(ds, "1.2.840.10008.1.2")
    assert ingest.store(archive.actor_of(archive.modality), again).status == "held"
    packs.forget()
    archive.age(8)
    assert run().packs == 0  # it may be another image, as long as nobody has compared them
    compare_all()
    assert run().packs == 1
    assert len(archive.lying()) == 1
    assert check().whole
    assert ingest.store(archive.actor_of(archive.modality), again).status == "same"


def test_rows_of_packs_in_which_nothing_is_named_go_and_their_names_are_forgotten_in_time(archive: Archive) -> None:
    archive.store(builders.ct_slice())
    name = stores.pack_name(uuid4(), "0123456789abcdef", 1)
    Pack.objects.create(study=naming.study_of(name), name=name)
    assert run().names == 1
    assert Pack.objects.get(name=name).removed_at is not None
    assert check().missing_packs == []
    Pack.objects.filter(name=name).update(removed_at=timezone.now() - naming.KEPT)
    assert run().names == 0
    assert not Pack.objects.filter(name=name).exists()


def test_an_empty_folder_of_a_study_goes_and_one_that_is_used_stays(archive: Archive) -> None:
    row = archive.store(builders.ct_slice())
    name = orphan()
    archive.age(8)
    folder = archive.file(name).parent
    run()
    assert folder.exists()  # it has been empty for a moment only
    os.utime(folder, (0, 0))
    os.utime(archive.file(row.pack.name).parent, (0, 0))
    assert run().folders == 1
    assert not folder.exists()
    assert archive.reads()


def test_nothing_is_removed_within_the_grace_after_a_restore(archive: Archive) -> None:
    archive.store(builders.ct_slice())
    name = orphan()
    archive.age(30)
    begun = begin_log(2, timezone.now() - timedelta(days=3))
    with pytest.raises(CommandError, match=f"restored on {begun:%Y-%m-%d}.*archive check --rebuild") as refused:
        call_command("archive", "sweep")
    assert refused.value.returncode == 1
    with pytest.raises(Unsuitable):
        run(dry_run=True)
    assert name in archive.lying()
    assert run(grace=timedelta(days=2)).packs == 1


def begin_log(number: int, moment: datetime) -> datetime:
    """Begin another log, as a restored database does."""
    head = tables.page(1, 0, 1)[0]
    row, _, _ = tables.decode(head)
    row = row._replace(log=number, seq=1, id=uuid4(), time_us=round(moment.timestamp() * 1_000_000))
    with transaction.atomic():
        tables.insert([rows.chain(row, (), rows.GENESIS)])
    return datetime.fromtimestamp(row.time_us / 1_000_000, UTC)


def test_nothing_is_removed_in_another_place_or_beside_another_database(archive: Archive) -> None:
    name = orphan()
    archive.age(30)
    with pytest.raises(Unsuitable, match="Not one of the packs"):
        run()  # this database names none at all
    row = archive.store(builders.ct_slice())
    archive.file(row.pack.name).unlink()
    with pytest.raises(Unsuitable, match="Not one of the packs"):
        run()
    assert archive.lying() == {name}


def test_nothing_is_removed_while_the_packs_are_away_or_somebody_else_tends_them(archive: Archive) -> None:
    archive.store(builders.ct_slice())
    name = orphan()
    archive.age(30)
    with turn.tending(), pytest.raises(Unavailable, match="Another care"):
        with_another_connection(run)
    (archive.place.data / "packs").rename(archive.place.data / "elsewhere")
    with pytest.raises(Unavailable, match="empty or not there"):
        run()
    (archive.place.data / "elsewhere").rename(archive.place.data / "packs")
    assert run().packs == 1
    assert name not in archive.lying()


def with_another_connection(act: Any) -> None:
    """Do something in a thread of its own, and raise here what it raised."""
    raised: list[BaseException] = []

    def acting() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            raised.append(error)
        connection.close()

    thread = Thread(target=acting)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


@pytest.mark.parametrize(
    ("at", "when", "nth"),
    [
        ("archive.fixity.whereabouts.lying", "after", 1),
        ("archive.tending.naming.put_out_of_use", "before", 1),
        ("archive.tending.naming.put_out_of_use", "after", 1),
        ("audit.log.append", "after", 1),
        ("archive.tending.discarding.remove", "before", 1),
        ("archive.tending.discarding.remove", "after", 1),
        ("archive.tending.discarding.remove", "before", 2),
        ("archive.tending.naming.forget", "before", 1),
        ("archive.tending.naming.forget", "after", 1),
    ],
)
@pytest.mark.one_database
def test_a_sweep_killed_at_any_step_is_finished_by_the_next(archive: Archive, at: str, when: str, nth: int) -> None:
    row = archive.store(builders.ct_slice())
    packs.forget()
    names = {orphan(), orphan(), orphan(row.study_id)}
    archive.age(8)
    archive.killed(at, when, nth, "sweep")
    assert archive.reads()
    assert check().whole
    ended = archive.command("sweep", "--json")
    assert ended.returncode == 0, ended.stderr
    assert archive.lying() == {row.pack.name}
    assert not names & archive.lying()
    assert archive.reads()
    assert run().packs == 0


def test_packs_in_a_bucket_are_swept_and_checked_like_files(
    in_bucket: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = in_bucket.store(builders.ct_slice())
    name = orphan()
    report = check()
    assert [told.split(" ")[0] for told in report.unnamed_packs] == [name]
    assert run().young == 1
    later = SimpleNamespace(now=lambda: timezone.now() + timedelta(days=8))
    monkeypatch.setattr(sweep, "timezone", later)
    assert run().packs == 1
    assert in_bucket.lying() == {row.pack.name}
    assert in_bucket.reads()
    stores.store().remove(row.pack.name)
    with pytest.raises(Unavailable, match="empty or not there"):
        check()
