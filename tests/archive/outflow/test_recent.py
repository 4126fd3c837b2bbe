"""What a serving process looked up a moment ago opens nothing to whoever may not see it, or not any more."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydicom.dataset import Dataset

from accounts import epoch, recent
from accounts.actors import Actor
from accounts.errors import NotVisible
from accounts.recent import Recent
from archive import ingest, keys, retrieve
from archive.errors import ArchiveError, Damaged
from archive.models import Instance, Pack, StudyKey
from archive.retrieve import neighbours
from audit import pulse
from audit.errors import LogUnavailable
from tests import builders

Slices = list[Dataset]


def uids(ds: Dataset) -> tuple[str, str, str]:
    return str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID)


def frame(actor: Actor, ds: Dataset) -> bytes:
    (only,) = retrieve.frames(actor, *uids(ds), [1]).parts()
    return b"".join(only.pieces)


@pytest.fixture
def warm(sender: Actor, reader: Actor) -> Slices:
    """A series that is being read, by a process that serves: all of it is known."""
    slices = builders.study(4, side=64)
    for one in slices:
        ingest.store(sender, builders.part10(one))
    epoch.start()
    for one in slices:
        assert frame(reader, one) == one.PixelData
    assert all(neighbours.known(reader, *uids(one)) for one in slices)
    return slices


def test_a_series_that_is_being_read_asks_the_database_nothing(warm: Slices, reader: Actor) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert [frame(reader, one) for one in warm] == [one.PixelData for one in warm]
    assert len(asked) == 0


def test_of_a_long_series_only_what_is_near_is_looked_up(
    warm: Slices, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "BEHIND", 0)
    monkeypatch.setattr(neighbours, "AHEAD", 1)
    neighbours.forget()
    for one in warm[:2]:
        frame(reader, one)
    assert [bool(neighbours.known(reader, *uids(one))) for one in warm] == [False, True, True, False]


def test_images_without_a_number_are_each_looked_up(sender: Actor, reader: Actor) -> None:
    slices = builders.study(3, side=64)
    for one in slices:
        del one.InstanceNumber
        ingest.store(sender, builders.part10(one))
    epoch.start()
    for one in [*slices, *slices]:
        assert frame(reader, one) == one.PixelData
    assert not any(neighbours.known(reader, *uids(one)) for one in slices)


def test_what_was_looked_up_while_rights_changed_is_not_kept(warm: Slices) -> None:
    kept = Recent[str, str](most=4, seconds=60.0)
    before, began = epoch.number(), time.monotonic()
    with transaction.atomic():
        epoch.raise_()
    kept.keep("before", "x", before, began)
    kept.keep("now", "x", epoch.number(), began)
    assert list(kept._kept) == ["now"]


def test_a_right_that_ends_ends_what_was_looked_up(warm: Slices, reader: Actor, radiologist: Any) -> None:
    with transaction.atomic():
        radiologist.groups.clear()
        epoch.raise_()
    assert neighbours.known(reader, *uids(warm[0])) is None
    for one in warm:
        with pytest.raises(NotVisible):
            frame(reader, one)


def test_nobody_is_answered_from_what_another_looked_up(warm: Slices, stranger: Actor) -> None:
    assert neighbours.known(stranger, *uids(warm[0])) is None
    with CaptureQueriesContext(connection) as seen, pytest.raises(NotVisible):
        frame(stranger, warm[0])
    study, series, _ = uids(warm[0])
    with CaptureQueriesContext(connection) as unknown, pytest.raises(NotVisible):
        retrieve.frames(stranger, study, series, "1.2.3.4", [1])
    assert sum("archive_instance" in query["sql"] for query in seen) == 1
    assert sum("archive_instance" in query["sql"] for query in unknown) == 1


def test_a_destroyed_key_opens_nothing_from_the_same_moment(warm: Slices, reader: Actor) -> None:
    with transaction.atomic():
        StudyKey.objects.filter(subject=uids(warm[0])[0]).update(subject="destroyed")
        epoch.raise_()
    for one in warm:
        with pytest.raises(ArchiveError):
            frame(reader, one)


def test_a_key_destroyed_by_another_process_opens_nothing_after_two_seconds(warm: Slices, reader: Actor) -> None:
    StudyKey.objects.filter(subject=uids(warm[0])[0]).update(subject="destroyed")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_accessepoch SET number = number + 1")
    time.sleep(2)
    for one in warm:
        with pytest.raises(ArchiveError):
            frame(reader, one)


def test_a_mark_of_damage_is_obeyed_after_a_second(warm: Slices, reader: Actor) -> None:
    Instance.objects.filter(uid=uids(warm[0])[2]).update(damaged_at=timezone.now())
    time.sleep(recent.SECONDS + 0.05)
    with pytest.raises(Damaged):
        frame(reader, warm[0])
    assert frame(reader, warm[1]) == warm[1].PixelData


def test_an_instance_that_lies_elsewhere_by_now_is_found(warm: Slices, reader: Actor) -> None:
    pack = Pack.objects.get()
    later = f"{pack.name.rpartition('-')[0]}-000777"
    packs = Path(settings.PACS_DATA_DIR) / "packs"
    (packs / f"{pack.name}.pack").rename(packs / f"{later}.pack")
    Pack.objects.update(name=later)
    assert [frame(reader, one) for one in warm] == [one.PixelData for one in warm]


def test_what_is_known_does_not_leave_while_the_record_cannot_be_written(
    warm: Slices, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead() -> None:
        raise LogUnavailable("no record")

    monkeypatch.setattr(pulse, "check", dead)
    with pytest.raises(LogUnavailable):
        frame(reader, warm[0])


def test_an_unlock_still_wants_the_receipt_of_that_very_study(warm: Slices) -> None:
    assert keys._scopes.get(uids(warm[0])[0])
    with pytest.raises(TypeError):
        keys.unlock(None, uids(warm[0])[0])  # type: ignore[arg-type]


def test_a_process_that_does_not_watch_the_epoch_keeps_nothing(installation: Any) -> None:
    kept: Recent[str, int] = Recent(most=2)
    numbers = iter(range(9))
    assert [kept.find("a", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]


def test_things_are_kept_in_number_and_for_a_while(installation: Any) -> None:
    epoch.start()
    kept: Recent[str, int] = Recent(most=2, seconds=0.2)

    def looked(name: str, value: int) -> int:
        return kept.find(name, lambda: value)

    assert [looked("a", 1), looked("a", 2), looked("b", 3), looked("c", 4), looked("a", 5)] == [1, 1, 3, 4, 5]
    time.sleep(0.25)
    assert looked("a", 6) == 6


def test_what_was_looked_up_before_the_epoch_rose_is_not_kept_after(installation: Any) -> None:
    epoch.start()
    kept: Recent[str, int] = Recent(most=2)

    def looked() -> int:
        with transaction.atomic():
            epoch.raise_()
        return 1

    kept.find("a", looked)
    assert kept.get("a") is None


def test_what_is_too_old_is_dropped_though_nobody_asks_for_it(installation: Any) -> None:
    epoch.start()
    kept: Recent[str, int] = Recent(most=2, seconds=0.2)
    kept.find("a", lambda: 1)
    assert len(kept._kept) == 1
    deadline = time.monotonic() + 5
    while kept._kept and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not kept._kept
