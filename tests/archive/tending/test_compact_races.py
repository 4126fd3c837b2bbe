"""A compaction beside readers, writers, scrubs and removals, and killed at every step: nothing is lost or fails."""

import subprocess
import sys
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection

from accounts import people
from accounts.models import Withdrawn
from archive import derive, destruction, ingest, packs, removal
from archive.errors import PackMissing
from archive.models import Instance, Job, Pack, Rendition
from archive.retrieve import objects, places, reading
from archive.tending import copies, discarding, living
from audit.models import Alert
from tests import builders
from tests.archive.keeping.conftest import KILLED
from tests.archive.removal.conftest import past
from tests.archive.tending.conftest import Archive, check, compact, work
from tests.archive.tending.test_compact import in_use, records
from tests.conftest import PASSWORD

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize("kind", ["disk", "bucket"])
def test_who_looked_up_the_old_place_reads_on_though_it_is_gone(
    archive: Archive, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "bucket":
        request.getfixturevalue("in_bucket")
        monkeypatch.setattr(living, "MANY", 1)
    rows = archive.half_dead(side=512)  # longer than what one request brings ahead
    derive.metadata(str(rows[0].series_id), lambda done, total: None)
    packs.forget()
    now, before = reading.begin(archive.actor_of(archive.reader), rows[0].study.uid)
    monkeypatch.setattr(objects, "_SEALED_READ", 64 * 1024)
    begun = objects.as_received(now.opener, before[0])
    piece = next(begun)
    with places.ranges(now.opener, before[1]) as read:
        first = read(0, 10)
        compact(percent=1)
        work("discard")
        assert rows[0].pack.name not in archive.lying()
        assert piece + b"".join(begun) == archive.sent[before[0].uid]
        assert first + read(10, before[1].size) == archive.sent[before[1].uid]
    assert places.whole(now.opener, before[2]) == archive.sent[before[2].uid]
    assert not Alert.objects.filter(kind="damaged").exists()


def test_an_object_that_is_gone_altogether_is_told(archive: Archive) -> None:
    row = archive.store(builders.ct_slice())
    now, (place,) = reading.begin(archive.actor_of(archive.reader), row.study.uid)
    packs.forget()
    archive.file(row.pack.name).rename(archive.place.data / "kept")
    with pytest.raises(PackMissing):
        places.whole(now.opener, place)
    assert Alert.objects.get(kind="damaged").subject == "packs"


STEPS = [
    ("archive.tending.living.choose", "after", 1),
    ("archive.tending.copies.made", "before", 1),
    ("archive.appending._sync_one", "before", 1),
    ("archive.appending._sync_one", "after", 1),
    ("archive.tending.copies.made", "after", 1),
    ("archive.tending.compact._move", "after", 1),
    ("archive.tending.discarding.promise", "after", 1),
    ("audit.log.append", "before", 1),
    ("audit.log.append", "after", 1),
    ("archive.tending.compact._moved", "after", 1),
    ("archive.tending.copies.made", "after", 2),
    ("archive.tending.compact._moved", "after", 2),
]


@pytest.mark.parametrize(("at", "when", "nth"), STEPS)
@pytest.mark.one_database
def test_a_compaction_killed_at_any_step_is_finished_by_the_next(
    archive: Archive, at: str, when: str, nth: int
) -> None:
    archive.half_dead()
    archive.half_dead()
    before = records()
    archive.killed(at, when, nth, "compact")
    assert records() == before
    assert archive.reads()
    assert check().whole
    ended = archive.command("compact", "--json")
    assert ended.returncode == 0, ended.stderr
    work("discard")
    archive.age(8)
    assert archive.command("sweep").returncode == 0
    assert archive.lying() == in_use()
    assert len(in_use()) == 2
    assert records() == before
    assert archive.reads()
    assert check().whole


DISCARDING = KILLED.replace(
    "from django.core.management import call_command\ncall_command(*argv)",
    "from archive.tending.discarding import discard\ndiscard(argv[0], None)",
)


@pytest.mark.parametrize(
    ("at", "when"),
    [
        ("archive.tending.naming.put_out_of_use", "before"),
        ("archive.tending.naming.put_out_of_use", "after"),
        ("archive.tending.discarding.remove", "before"),
        ("archive.tending.discarding.remove", "after"),
    ],
)
def test_a_discard_killed_at_any_step_is_finished_by_the_next_worker(archive: Archive, at: str, when: str) -> None:
    row = archive.half_dead()[0]
    compact()
    program = [sys.executable, "-c", DISCARDING, at, when, "1", row.pack.name]
    ended = subprocess.run(program, env=archive.place.environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr
    assert archive.reads()
    assert check().whole
    work("discard")
    assert archive.lying() == in_use()
    assert archive.reads()


def between(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Do something once, when the copies are made and no row names them yet."""
    real, done = copies.made, list[bool]()

    def made(*args: Any) -> Any:
        found = real(*args)
        if not done:
            done.append(True)
            act()
        return found

    monkeypatch.setattr(copies, "made", made)


def test_an_image_that_arrives_in_the_old_pack_meanwhile_keeps_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices = builders.study(3)
    first = [archive.store(ds) for ds in slices[:2]]
    for ds in slices[:2]:
        ingest.store(archive.actor_of(archive.modality), builders.part10(ds, "1.2.840.10008.1.2"))
    work("compare")
    arrived: list[Instance] = []
    between(monkeypatch, lambda: arrived.append(archive.store(slices[2])))
    assert compact().objects == 2
    assert arrived[0].pack_id == first[0].pack_id
    work("discard")
    assert first[0].pack.name in archive.lying()
    assert archive.reads()
    assert check().whole
    packs.forget()
    assert compact().objects == 1
    work("discard")
    assert archive.lying() == in_use()
    assert archive.reads()


def test_an_open_pack_that_was_compacted_and_removed_is_not_written_to_any_more(archive: Archive) -> None:
    slices = builders.study(3)
    first = archive.store(slices[0])
    ingest.store(archive.actor_of(archive.modality), builders.part10(slices[0], "1.2.840.10008.1.2"))
    work("compare")
    assert compact().objects == 1
    work("discard")
    assert first.pack.name not in archive.lying()
    later = [archive.store(ds) for ds in slices[1:]]
    assert later[0].pack_id == later[1].pack_id != first.pack_id
    assert archive.reads()
    assert check().whole


def test_what_was_replaced_or_moved_meanwhile_is_left_alone(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = archive.half_dead()
    series = str(rows[0].series_id)
    derive.metadata(series, lambda done, total: None)
    packs.forget()
    kept = Rendition.objects.get()
    moved: list[Instance] = []

    def change() -> None:
        Rendition.objects.all().delete()
        derive.metadata(series, lambda done, total: None)
        place = packs.append(rows[0].study_id, b"head", packs.read(rows[0].pack.name, rows[0].offset, rows[0].length))
        packs.flush([place])
        Pack.objects.get_or_create(id=place.pack, defaults={"study": place.study_row, "name": place.name})
        Instance.objects.filter(id=rows[0].id).update(pack=place.pack, offset=place.offset)
        moved.append(Instance.objects.get(id=rows[0].id))

    between(monkeypatch, change)
    assert compact(percent=1).objects == 2
    now = Instance.objects.get(id=rows[0].id)
    assert (now.pack_id, now.offset) == (moved[0].pack_id, moved[0].offset)
    assert Rendition.objects.get().id != kept.id
    work("discard")
    assert archive.reads()
    assert check().whole


def test_a_transaction_that_meets_another_one_is_done_again(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.half_dead()
    real, met = discarding.promise, list[bool]()

    def promise(names: list[str]) -> None:
        real(names)
        if not met:
            met.append(True)
            raise OperationalError("deadlock detected")

    monkeypatch.setattr(discarding, "promise", promise)
    done = compact()
    assert (done.objects, done.packs) == (3, 1)
    work("discard")
    assert archive.lying() == in_use()
    assert archive.reads()


def test_images_that_arrive_all_the_while_are_all_there_in_the_end(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(living, "MANY", 1)
    slices = builders.study(30)
    archive.store(slices[0])

    def send() -> None:
        for ds in slices[1:]:
            archive.store(ds)
            packs.forget()
        connection.close()

    sending = Thread(target=send)
    sending.start()
    while sending.is_alive():
        compact()
        work("discard")
    sending.join()
    assert len(archive.sent) == 30
    assert archive.reads()
    assert check().whole


def test_a_study_that_is_destroyed_meanwhile_leaves_no_copies(
    archive: Archive, technologist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = archive.half_dead()
    other = archive.store(builders.ct_slice())
    keeper = people.create("keeper", password=PASSWORD, roles=["keeper"], groups=[])

    def destroy() -> None:
        removal.trash(archive.actor_of(technologist), rows[0].study.uid)
        past(rows[0].study.uid)
        destruction.destroy(archive.actor_of(keeper), rows[0].study.uid)

    between(monkeypatch, destroy)
    assert compact().objects == 0
    assert archive.lying() == {other.pack.name}
    assert not Job.objects.filter(kind="discard").exists()
    assert not Withdrawn.objects.exists()
