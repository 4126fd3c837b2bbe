"""STOW-RS of large objects: sealed as they arrive, told apart as small ones are; what breaks off leaves nothing."""

from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest
from pydicom.dataset import Dataset

from archive import arriving, room
from archive.dataset import outline
from archive.dicomweb import parts
from archive.disk import DiskSink
from archive.models import Held, Instance
from archive.room import Room
from audit.models import AuditEvent
from tests import builders
from tests.archive.dicomweb.conftest import RELATED, Program, body, multipart, path_of
from tests.conftest import Installation


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What is large here is small; returns by what records became whole that were sealed as they arrived."""
    for module, name, value in (
        (arriving, "BEYOND", 100_000),
        (outline, "LEAST", 50_000),
        (parts, "LARGE", 100_000),
        (parts, "CHUNK", 20_000),
    ):
        monkeypatch.setattr(module, name, value)
    amended: list[int] = []
    true = DiskSink.amend

    def counted(self: DiskSink, offset: int, data: bytes) -> None:
        amended.append(offset)
        true(self, offset, data)

    monkeypatch.setattr(DiskSink, "amend", counted)
    return amended


def image(**attributes: Any) -> Dataset:
    ds = builders.ct_slice(side=100, NumberOfFrames=20, **attributes)
    ds.PixelData = token_bytes(20 * 20_000)
    return ds


def lying(place: Installation) -> list[Path]:
    return list((place.data / "packs").rglob("*.pack"))


def test_large_and_small_ones_in_one_request_are_kept_bit_for_bit(
    writer: Program, reader: Program, whole: list[int]
) -> None:
    sent = [image(), builders.ct_slice(), image()]
    files = [builders.part10(ds) for ds in sent]
    assert writer.store(*files).status_code == 200
    for ds, data in zip(sent, files, strict=True):
        assert body(reader.get(path_of(ds), "application/dicom; transfer-syntax=*")) == data
    assert len(whole) == 4


def test_one_may_be_the_whole_body(writer: Program, whole: list[int]) -> None:
    assert writer.send(builders.part10(image()), "application/dicom").status_code == 200
    assert Instance.objects.get().frames == 20
    assert len(whole) == 2


def test_the_same_again_and_other_bytes_under_its_uid(writer: Program, installation: Installation) -> None:
    first = image()
    other = image(study_uid=first.StudyInstanceUID, series_uid=first.SeriesInstanceUID, sop_uid=first.SOPInstanceUID)
    files = [builders.part10(ds) for ds in (first, first, other)]
    assert [writer.store(data).status_code for data in files] == [200, 200, 200]
    assert (Instance.objects.count(), Held.objects.count(), len(lying(installation))) == (1, 1, 2)


def test_what_is_of_another_study_is_told_by_its_name(writer: Program, installation: Installation) -> None:
    ds = image()
    answer = writer.send(multipart(builders.part10(ds)), RELATED, "/studies/1.2.3")
    (failed,) = answer.json()["00081198"]["Value"]
    assert failed["00081155"]["Value"] == [ds.SOPInstanceUID]
    assert failed["00081197"]["Value"] == [0xA900]
    assert lying(installation) == []
    assert AuditEvent.objects.filter(action="study:rejected").count() == 1


@pytest.mark.parametrize("end", [150_000, 300_000])
def test_a_request_that_breaks_off_leaves_nothing(writer: Program, installation: Installation, end: int) -> None:
    assert writer.send(multipart(builders.part10(image()))[:end], RELATED).status_code == 400
    assert (lying(installation), Instance.objects.count()) == ([], 0)


def test_a_large_one_that_is_cut_within_its_part_fails_alone(writer: Program, installation: Installation) -> None:
    answer = writer.store(builders.part10(image())[:-5000], builders.part10(builders.ct_slice()))
    assert answer.status_code == 202
    assert (Instance.objects.count(), len(lying(installation))) == (1, 1)


def test_what_cannot_pass_is_gathered(writer: Program, whole: list[int]) -> None:
    assert writer.store(builders.part10(image(), "1.2.840.10008.1.2.1.99")).status_code == 200
    assert whole == []


def test_one_that_passes_takes_little_of_the_memory_that_all_share(
    writer: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "ALWAYS", 50_000)
    monkeypatch.setattr(room, "ROOM", shared := Room(200_000))
    assert writer.store(builders.part10(image()), builders.part10(image())).status_code == 200
    assert shared.take(200_000), "what an ended request held is given back"
