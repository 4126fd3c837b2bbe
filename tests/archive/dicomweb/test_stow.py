"""Storing over HTTP: the statuses of the standard, answers that clients can read, and nothing a sender can break."""

import zlib
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from accounts.models import Person
from archive import room
from archive.dicomweb import parts
from archive.models import Instance
from archive.room import Room, Share
from tests import builders
from tests.accounts.browsing import Browser
from tests.archive.dicomweb.conftest import BASE, BOUNDARY, RELATED, Program, body, multipart, path_of
from tests.archive.outflow.handling import broken_log

Store = Callable[..., Dataset]


def one(**attributes: Any) -> tuple[Dataset, bytes]:
    ds = builders.ct_slice(**attributes)
    return ds, builders.part10(ds)


def test_what_is_stored_is_referenced_and_found_at_its_url(writer: Program, reader: Program) -> None:
    ds, data = one()
    answer = writer.store(data)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/dicom+json"
    told = pydicom.Dataset.from_json(answer.json())
    (item,) = told.ReferencedSOPSequence
    assert (item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) == (ds.SOPClassUID, ds.SOPInstanceUID)
    assert told.RetrieveURL == f"https://localhost{BASE}/studies/{ds.StudyInstanceUID}"
    assert item.RetrieveURL == f"https://localhost{BASE}{path_of(ds)}"
    assert "FailedSOPSequence" not in told
    assert "OtherFailuresSequence" not in told
    assert body(reader.get(path_of(ds), "application/dicom; transfer-syntax=*")) == data


def test_the_same_again_succeeds_and_adds_nothing(writer: Program) -> None:
    _, data = one()
    assert [writer.store(data).status_code for _ in range(3)] == [200] * 3
    assert Instance.objects.count() == 1


def test_a_single_object_may_be_the_whole_body(writer: Program) -> None:
    _, data = one()
    assert writer.send(data, "application/dicom").status_code == 200
    assert Instance.objects.count() == 1


def test_good_and_bad_parts_are_told_apart(writer: Program) -> None:
    good, data = one()
    unwanted, other = one(SOPClassUID="1.2.840.10008.1.1")
    answer = writer.store(data, other, b"this is no DICOM file")
    assert answer.status_code == 202
    told = answer.json()
    assert [item["00081155"]["Value"] for item in told["00081199"]["Value"]] == [[good.SOPInstanceUID]]
    assert [item["00081155"]["Value"] for item in told["00081198"]["Value"]] == [[unwanted.SOPInstanceUID]]
    assert told["00081198"]["Value"][0]["00081197"] == {"vr": "US", "Value": [290]}
    assert told["0008119A"]["Value"] == [{"00081197": {"vr": "US", "Value": [0xC000]}}]


def test_an_object_of_another_study_than_the_url_names_is_a_conflict(writer: Program) -> None:
    _, data = one()
    answer = writer.store(data, path=f"/studies/{generate_uid()}")
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (multipart(b"no DICOM"), RELATED, 400),
        (multipart(), RELATED, 400),
        (b"--a-boundary\r\n\r\nbroken off", RELATED, 400),
        (multipart(b"x"), 'multipart/related; type="application/dicom"', 400),
        (multipart(b"x"), f'multipart/related; type="application/dicom+xml"; boundary={BOUNDARY}', 415),
        (b"{}", "application/dicom+json", 415),
        (b"{}", "", 415),
        (b"x", "text/plain", 415),
        (b"x", "application/dicom", 400),
        (multipart(b"x", part_type="text/html"), RELATED, 400),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_status(
    writer: Program, content: bytes, content_type: str, status: int
) -> None:
    assert writer.send(content, content_type).status_code == status


def test_a_message_that_breaks_off_keeps_what_was_whole_and_says_so(writer: Program) -> None:
    _, data = one()
    answer = writer.send(multipart(data)[: -len(BOUNDARY)] + b"junk", RELATED)
    assert answer.status_code in (202, 400)
    assert Instance.objects.count() == (1 if answer.status_code == 202 else 0)


def test_compressed_bodies_and_lying_lengths_are_refused(writer: Program) -> None:
    _, data = one()
    packed = zlib.compress(multipart(data))
    assert writer.send(packed, RELATED, HTTP_CONTENT_ENCODING="deflate").status_code == 415
    assert writer.send(b"x" * 10, RELATED, CONTENT_LENGTH=str(1 << 40)).status_code == 413
    assert writer.send(b"x" * 10, RELATED, CONTENT_LENGTH="-5").status_code == 400
    assert writer.send(b"x" * 10, RELATED, CONTENT_LENGTH="12abc").status_code == 400


def test_who_may_not_store_is_refused(reader: Program) -> None:
    _, data = one()
    assert reader.store(data).status_code == 403
    assert not Instance.objects.exists()


def test_a_cookie_alone_does_not_store(technologist: Person) -> None:
    browser = Browser().sign_in(technologist)
    _, data = one()
    address = f"{BASE}/studies"
    assert browser.post(address, multipart(data), content_type=RELATED, secure=True).status_code == 403
    assert browser.post(address, multipart(data), content_type="text/plain", secure=True).status_code == 403
    assert not Instance.objects.exists()
    token = browser.cookies["__Host-csrf"].value
    answer = browser.post(address, multipart(data), content_type=RELATED, secure=True, headers={"X-CSRFToken": token})
    assert answer.status_code == 200


def test_without_the_log_nothing_is_stored(writer: Program) -> None:
    _, data = one()
    with broken_log():
        answer = writer.store(data)
        assert answer.status_code == 503
        assert answer["Retry-After"]
    assert not Instance.objects.exists()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Room:
    """Memory for two megabytes beside what each sender always has."""
    monkeypatch.setattr(room, "ALWAYS", 100_000)
    monkeypatch.setattr(room, "ROOM", made := Room(2_000_000))
    return made


@pytest.mark.parametrize("whole", [False, True])
def test_large_objects_beyond_what_all_may_hold_are_asked_to_come_again(
    writer: Program, shared: Room, whole: bool
) -> None:
    large = builders.part10(builders.study(slices=1, side=512)[0])
    send = (lambda data: writer.send(data, "application/dicom")) if whole else writer.store
    others = Share()
    assert others.grow(2_000_000)
    answer = send(large)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert not Instance.objects.exists()
    assert send(one()[1]).status_code == 200, "a small one is taken whatever others send"
    others.release()
    assert send(large).status_code == 200
    assert shared.take(2_000_000), "what an ended request held is given back"


def test_a_request_larger_than_the_memory_there_is_waits_for_its_own_objects(writer: Program, shared: Room) -> None:
    files = [builders.part10(ds) for ds in builders.study(slices=8, side=512)]
    assert sum(map(len, files)) > 4_000_000
    assert writer.store(*files).status_code == 200
    assert Instance.objects.count() == 8
    assert shared.take(2_000_000)


def test_what_came_before_the_room_was_full_is_kept_and_the_rest_is_told_apart(
    writer: Program, shared: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "CHUNK", 20_000)
    assert shared.take(2_000_000)
    small, large = one()[1], builders.part10(builders.study(slices=1, side=512)[0])
    answer = writer.store(small, large)
    assert answer.status_code == 202
    assert answer["Retry-After"]
    assert answer.json()["0008119A"]["Value"] == [{"00081197": {"vr": "US", "Value": [0xA700]}}]
    assert Instance.objects.count() == 1
