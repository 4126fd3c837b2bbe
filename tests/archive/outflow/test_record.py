"""What leaves is on record exactly, and nothing leaves that cannot be recorded, or is not whole."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from accounts import epoch, scope
from accounts.actors import Actor
from accounts.errors import NotVisible
from accounts.models import Access
from archive import derive, retrieve
from archive.errors import Damaged, Unsuitable
from archive.models import Instance
from archive.retrieve import reading
from audit import clock, journal, leases, log, sittings
from audit.actions import Use
from audit.errors import LogUnavailable
from audit.models import Alert, AuditEvent
from tests.archive.outflow.handling import broken_log, drained, series_of, uids, whole

Store = Callable[..., Dataset]
ROOT = "https://archive.test/dicom-web"


@pytest.mark.both_databases
def test_without_the_log_nothing_begins_and_what_runs_stops_within_two_seconds(sender: Actor, reader: Actor) -> None:
    files = series_of(sender, 2, side=1500)
    study, series, sop = uids(files[0])
    running: list[Iterator[bytes]] = [
        next(iter(retrieve.instances(reader, study))).chunks,
        retrieve.archive(reader, study, "care"),
    ]
    for pieces in running:
        assert next(pieces)
    with broken_log():
        for pieces in running:
            with pytest.raises(LogUnavailable):
                drained(pieces, seconds=2.5)
        for call in (
            lambda: retrieve.instances(reader, study),
            lambda: retrieve.frames(reader, study, series, sop, [1]),
            lambda: retrieve.metadata(reader, study, root=ROOT),
            lambda: retrieve.archive(reader, study, "care"),
        ):
            with pytest.raises(LogUnavailable):
                call()
    time.sleep(1.1)
    assert whole(retrieve.instances(reader, study)) == files


def test_a_right_that_is_lost_ends_a_running_stream(sender: Actor, reader: Actor) -> None:
    (data,) = series_of(sender, 1, side=1500)
    study = uids(data)[0]
    (one,) = retrieve.instances(reader, study)
    next(one.chunks)
    Access.objects.filter(study_uid=study).delete()

    with transaction.atomic():
        epoch.raise_()
    with pytest.raises(NotVisible):
        list(one.chunks)
    assert scope.covers(reader, study) is False


def test_a_stream_that_outlives_its_lease_is_a_view_once_more(
    sender: Actor, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data,) = series_of(sender, 1, side=1500)
    study = uids(data)[0]
    (one,) = retrieve.instances(reader, study)
    next(one.chunks)
    later = clock.now() + leases.SLOT_SECONDS
    for name in ("now", "read"):
        monkeypatch.setattr(clock, name, lambda: later)
    list(one.chunks)
    first, second = AuditEvent.objects.filter(action="study:view", study_uid=study).order_by("seq")
    assert first.sitting == second.sitting is not None


def test_a_changed_byte_at_rest_is_damage_told_to_people_and_never_handed_out(
    sender: Actor, reader: Actor, settings: Any
) -> None:
    files = series_of(sender, 2)
    study, series, sop = uids(files[0])
    row = Instance.objects.select_related("pack").get(uid=sop)
    (pack,) = Path(settings.PACS_DATA_DIR).rglob(f"{row.pack.name}.pack")
    with pack.open("r+b") as file:
        file.seek(row.offset + row.length - 40)
        byte = file.read(1)
        file.seek(-1, io.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(Damaged):
        whole(retrieve.instances(reader, study, series, sop))
    assert Instance.objects.get(uid=sop).damaged_at is not None
    assert Alert.objects.filter(kind="damaged").exists()
    derive.digest(str(row.series_id), lambda done, total: None)
    assert [bool(one.sha256) for one in Instance.objects.order_by("number")] == [False, True]


def test_a_stream_that_is_given_up_is_on_record_with_what_left(sender: Actor, reader: Actor) -> None:
    (data,) = series_of(sender, 1, side=1024)
    (one,) = retrieve.instances(reader, *uids(data))
    next(one.chunks)
    one.chunks.close()  # type: ignore[attr-defined]
    journal.settle()
    (event,) = AuditEvent.objects.filter(action="study:delivered")
    assert str(reading.PIECE) in str(log.open_details(event))


def test_what_left_of_a_stream_is_on_record_while_it_still_runs(sender: Actor, reader: Actor) -> None:
    (data,) = series_of(sender, 1, side=1024)
    (one,) = retrieve.instances(reader, *uids(data))
    next(one.chunks)
    next(one.chunks)
    journal.settle()
    (event,) = AuditEvent.objects.filter(action="study:delivered")
    assert str(2 * reading.PIECE) in str(log.open_details(event))
    list(one.chunks)
    journal.settle()
    (told,) = sittings.delivered([event.sitting])[event.sitting].instances.values()  # type: ignore[list-item,index]
    assert told.size == len(data)


def test_headers_of_a_series_that_was_broken_off_are_on_record(sender: Actor, reader: Actor) -> None:
    files = series_of(sender, 3, side=4)
    pieces = retrieve.metadata(reader, uids(files[0])[0], root=ROOT).pieces
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    journal.settle()
    (event,) = AuditEvent.objects.filter(action="study:delivered")
    assert uids(files[0])[2] in str(log.open_details(event))


def test_fetching_ten_of_many_leaves_exactly_ten_on_record_in_one_view(sender: Actor, reader: Actor) -> None:
    files = series_of(sender, 30, side=4)
    fetched = set()
    list(retrieve.metadata(reader, uids(files[0])[0], root=ROOT).pieces)
    for data in files[5:15]:
        study, series, sop = uids(data)
        for frame in retrieve.frames(reader, study, series, sop, [1]).parts():
            list(frame.pieces)
        fetched.add(sop)
    journal.settle()
    assert AuditEvent.objects.filter(action="study:view", outcome="ok").count() == 1
    told = {
        log.open_details(event)["use"]: log.open_details(event)  # type: ignore[index]
        for event in AuditEvent.objects.filter(action="study:delivered")
    }
    assert {name for name in told} == {"listed", "displayed"}
    displayed = AuditEvent.objects.filter(action="study:delivered", count=10)
    assert displayed.count() == 1
    assert all(sop in str(told["displayed"]) for sop in fetched)
    assert not any(uids(data)[2] in str(told["displayed"]) for data in files[:5])


def test_what_is_only_previewed_or_fetched_ahead_is_no_reading(sender: Actor, reader: Actor) -> None:
    (data,) = series_of(sender, 1)
    study, series, sop = uids(data)
    list(retrieve.thumbnail(reader, study).pieces)
    for frame in retrieve.frames(reader, study, series, sop, [1], Use.PREFETCHED).parts():
        list(frame.pieces)
    journal.settle()
    uses = {log.open_details(event)["use"] for event in AuditEvent.objects.filter(action="study:delivered")}  # type: ignore[index]
    assert uses == {"previewed", "prefetched"}
    retrieve.displayed(reader, study, [(series, sop, 1)])
    journal.settle()
    uses = {log.open_details(event)["use"] for event in AuditEvent.objects.filter(action="study:delivered")}  # type: ignore[index]
    assert "displayed" in uses
    with pytest.raises(Unsuitable):
        retrieve.displayed(reader, study, [(series, generate_uid(), 1)])
