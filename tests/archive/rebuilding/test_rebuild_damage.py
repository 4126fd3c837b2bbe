"""What is damaged, cut, moved or dead is named or counted and never adopted; everything else is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from archive import derive, ingest, packs, removal, renditions
from archive.direct import whole_blocks
from archive.models import Instance, Pack, Rendition, Study, StudyKey
from tests import builders
from tests.archive.fixity.conftest import flip
from tests.archive.rebuilding.conftest import file_of, run
from tests.archive.tending.conftest import Archive

pytestmark = pytest.mark.both_databases
Elsewhere = Callable[[], Archive]


@pytest.fixture
def three(archive: Archive) -> list[Instance]:
    """Three images of one study in one pack, by place."""
    rows = [archive.store(ds) for ds in builders.study(3)]
    archive.store(builders.ct_slice())
    ingest.stop()
    return sorted(rows, key=lambda row: row.offset)


def behind(first: Instance) -> int:
    """Where the record behind an image begins: with the next block, since it was written by itself."""
    return whole_blocks(first.offset + first.length)


# Where a bit of the second record is flipped: from where its object begins, or from where the record does.
PLACES: dict[str, Callable[[Instance, Instance], int]] = {
    "its content": lambda first, second: second.offset + 300,
    "its header's key": lambda first, second: second.offset + 14,
    "its header's object": lambda first, second: second.offset + 30,
    "its header's generation": lambda first, second: second.offset + 47,
    "its header's kind": lambda first, second: second.offset + 9,
    "its commitment": lambda first, second: second.offset + 75,
    "its last tag": lambda first, second: second.offset + second.length - 1,
    "its head": lambda first, second: second.offset - 20,
    "its head's header": lambda first, second: behind(first) + 8 + 20,
    "its length": lambda first, second: behind(first) + 2,
    "its length's last byte": lambda first, second: behind(first) + 3,
    "a length beyond the end": lambda first, second: behind(first),
    "its head's length": lambda first, second: behind(first) + 6,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.one_database
def test_a_flipped_bit_costs_the_record_that_it_is_in_and_names_it(
    three: list[Instance], elsewhere: Elsewhere, place: str
) -> None:
    first, second, third = three
    begins = first.offset + first.length
    flip(file_of(second), PLACES[place](first, second))
    done = elsewhere().command("check", "--rebuild", "--json")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    named = [one.split(":")[0].removeprefix(f"{second.pack.name} at ") for one in told["damaged"]]
    assert named
    assert all(begins <= int(one) < second.offset + second.length for one in named)
    assert set(Instance.objects.values_list("id", flat=True)) >= {first.id, third.id}
    assert not Instance.objects.filter(id=second.id).exists()
    assert Instance.objects.count() == 3
    assert Study.objects.get(id=first.study_id).instance_count == 2


@pytest.mark.parametrize("left", [1, 7, 40, 200, 3000])
def test_a_last_record_that_was_cut_off_is_passed_over(three: list[Instance], elsewhere: Elsewhere, left: int) -> None:
    first, second, third = three
    path = file_of(third)
    with path.open("r+b") as pack:
        pack.truncate(second.offset + second.length + left)
    elsewhere()
    report = run()
    assert report.damages == 0
    assert set(Instance.objects.filter(study=first.study_id).values_list("id", flat=True)) == {first.id, second.id}


def test_a_record_in_the_folder_of_another_study_is_told_and_not_adopted(
    archive: Archive, elsewhere: Elsewhere
) -> None:
    one, other = archive.store(builders.ct_slice()), archive.store(builders.ct_slice())
    ingest.stop()
    packs.forget()
    data = file_of(one).read_bytes()
    with file_of(other).open("ab") as pack:
        pack.write(data)
    file_of(one).unlink()
    elsewhere()
    report = run()
    assert [told.rpartition(": ")[2] for told in report.damaged] == ["It lies in the folder of another study."]
    assert set(Instance.objects.values_list("id", flat=True)) == {other.id}


def test_a_whole_pack_in_the_folder_of_another_study_is_not_adopted_twice(
    archive: Archive, elsewhere: Elsewhere
) -> None:
    one, other = archive.store(builders.ct_slice()), archive.store(builders.ct_slice())
    ingest.stop()
    shutil.copy(file_of(one), file_of(other).parent / f"{'f' * 16}-000001.pack")
    elsewhere()
    report = run()
    assert (report.instances, report.damages) == (2, 1)
    assert Instance.objects.get(id=one.id).pack.study == one.study_id


def test_what_lies_under_keys_that_are_gone_is_counted_and_left(archive: Archive, elsewhere: Elsewhere) -> None:
    one, other = archive.store(builders.ct_slice()), archive.store(builders.ct_slice())
    ingest.stop()
    elsewhere()
    StudyKey.objects.filter(owner=one.study_id).delete()
    report = run()
    assert (report.keyless, report.instances, report.damages) == (1, 1, 0)
    assert Instance.objects.get().id == other.id


def test_a_record_that_lies_in_two_packs_is_adopted_once_where_it_was_written_last(
    archive: Archive, elsewhere: Elsewhere
) -> None:
    rows = [archive.store(ds) for ds in builders.study(2)]
    ingest.stop()
    old = file_of(rows[0])
    copy = old.parent / f"{'0' * 16}-000001.pack"
    copy.write_bytes(old.read_bytes())
    archive.age(1, rows[0].pack.name)
    elsewhere()
    report = run()
    assert (report.instances, report.damages) == (2, 0)
    assert {Path(row.pack.name).name for row in Instance.objects.select_related("pack")} == {f"{'0' * 16}-000001"}


def test_where_the_better_copy_is_damaged_the_other_one_is_adopted(archive: Archive, elsewhere: Elsewhere) -> None:
    row = archive.store(builders.ct_slice())
    ingest.stop()
    old = file_of(row)
    (old.parent / f"{'0' * 16}-000001.pack").write_bytes(old.read_bytes())
    archive.age(1, row.pack.name)
    flip(old.parent / f"{'0' * 16}-000001.pack", row.offset + 300)
    elsewhere()
    report = run()
    assert (report.instances, report.damages) == (1, 1)
    assert Instance.objects.get().pack.name == row.pack.name


def test_an_object_that_was_named_in_a_pack_that_is_gone_is_named_where_it_lies(archive: Archive) -> None:
    rows = [archive.store(ds) for ds in builders.study(2)]
    ingest.stop()
    old = file_of(rows[0])
    old.rename(old.parent / f"{'0' * 16}-000001.pack")
    before = {row.id: (row.offset, row.length, row.received_at) for row in rows}
    report = run()
    assert (report.moved, report.instances, report.studies, report.damages) == (2, 0, 0, 0)
    assert {row.id: (row.offset, row.length, row.received_at) for row in Instance.objects.all()} == before
    assert archive.reads()


def test_a_study_in_the_trash_is_opened_by_nobody(archive: Archive, technologist: Any) -> None:
    row = archive.store(builders.ct_slice())
    ingest.stop()
    removal.trash(archive.actor_of(technologist), row.study.uid)
    Instance.objects.all().delete()
    report = run()
    assert (report.trashed, report.instances) == (1, 0)


def test_a_preview_that_may_be_of_another_image_is_made_anew(archive: Archive, elsewhere: Elsewhere) -> None:
    row = archive.store(builders.ct_slice())
    derive.preview(str(row.series_id), lambda *_: None)
    first = Rendition.objects.get()
    Rendition.objects.all().delete()
    derive.preview(str(row.series_id), lambda *_: None)
    assert Rendition.objects.get().id != first.id
    ingest.stop()
    elsewhere()
    report = run()
    assert report.renditions == 0
    assert renditions.of_instance(row.id, renditions.PREVIEW) is None
    derive.preview(str(Instance.objects.get().series_id), lambda *_: None)
    assert renditions.of_instance(row.id, renditions.PREVIEW) is not None


def test_what_a_crash_left_unnamed_of_another_content_is_held_back(archive: Archive, elsewhere: Elsewhere) -> None:
    """Two images under one UID, each sealed as the first: as two processes leave them of which one was too late."""
    ds = builders.ct_slice()
    archive.store(ds)
    Instance.objects.all().delete()
    Study.objects.all().delete()
    ingest.stop()
    packs.forget()
    ds.PixelData = bytes(len(ds.PixelData))
    ingest.store(archive.actor_of(archive.modality), builders.part10(ds))
    ingest.stop()
    elsewhere()
    report = run()
    assert (report.instances, report.newcomers, report.anew, report.damages) == (1, 1, 1, 0)
    again = run()
    assert (again.instances, again.newcomers, again.anew, again.dead) == (0, 0, 0, 1)


def test_nothing_is_made_while_the_place_of_the_packs_is_empty(archive: Archive, elsewhere: Elsewhere) -> None:
    archive.store(builders.ct_slice())
    ingest.stop()
    place = elsewhere()
    settings.PACS_BLOB_URL = f"file:{place.place.root / 'nowhere'}"
    place.extra["PACS_BLOB_URL"] = settings.PACS_BLOB_URL
    done = place.command("check", "--rebuild")
    assert done.returncode == 1
    assert "empty or not there" in done.stderr
    assert not Pack.objects.exists()
