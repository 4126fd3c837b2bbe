"""What is made beside the objects is made once, serves, and never stands in for what is newer."""

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from django.utils import timezone
from PIL import Image
from pydicom.dataset import Dataset

from accounts.actors import Actor
from accounts.errors import NotVisible
from archive import derive, ingest, retrieve
from archive.models import Instance, Rendition, Series
from audit.models import AuditEvent
from tests import builders
from tests.archive.outflow.handling import series_of, uids
from tests.archive.outflow.oracle import samples

Store = Callable[..., Dataset]
ROOT = "https://archive.test/dicom-web"


def test_background_work_is_done_once_and_serves_what_it_made(sender: Actor, reader: Actor, stranger: Actor) -> None:
    files = series_of(sender, 5, side=16)
    study, series, _ = uids(files[0])
    row = str(Series.objects.get(uid=series).id)
    on_the_spot = b"".join(retrieve.metadata(reader, study, root=ROOT).pieces)
    for handler in (derive.preview, derive.metadata, derive.digest) * 2:
        handler(row, lambda done, total: None)
    assert sorted(Rendition.objects.values_list("form", flat=True)) == ["jpeg-200", "json"]
    assert {one.sha256 for one in Instance.objects.all()} == {hashlib.sha256(data).hexdigest() for data in files}
    assert b"".join(retrieve.metadata(reader, study, series, root=ROOT).pieces) == on_the_spot
    assert b"".join(retrieve.thumbnail(reader, study).pieces)[:2] == b"\xff\xd8"
    assert AuditEvent.objects.filter(action="job:derived", actor_key="system:derive").exists()
    with pytest.raises(NotVisible):
        retrieve.thumbnail(stranger, study)


@pytest.mark.parametrize(("together", "writes"), [(1, [1, 1, 1, 0]), (2, [2, 1]), (64, [3])])
def test_digests_are_written_some_together_and_none_is_left_out_for_a_damaged_neighbour(
    sender: Actor, monkeypatch: pytest.MonkeyPatch, together: int, writes: list[int]
) -> None:
    files = series_of(sender, 5, side=16)
    row = str(Series.objects.get(uid=uids(files[0])[1]).id)
    damaged = [uids(files[number])[2] for number in (1, 4)]
    Instance.objects.filter(uid__in=damaged).update(damaged_at=timezone.now())
    monkeypatch.setattr(derive, "WRITTEN_TOGETHER", together)
    told, written, verified = list[tuple[int, int]](), list[int](), derive._verified

    def writing(read: dict[UUID, str]) -> None:
        written.append(len(read))
        verified(read)

    monkeypatch.setattr(derive, "_verified", writing)
    derive.digest(row, lambda done, total: told.append((done, total)))
    assert told[-1] == (5, 5)
    found = dict(Instance.objects.values_list("uid", "sha256"))
    wanted = {uids(data)[2]: hashlib.sha256(data).hexdigest() for data in files}
    assert found == {uid: "" if uid in damaged else value for uid, value in wanted.items()}
    assert written == writes


def test_ready_made_metadata_is_left_aside_once_the_series_has_grown(sender: Actor, reader: Actor) -> None:
    files = series_of(sender, 2, side=16)
    study, series, _ = uids(files[0])
    derive.metadata(str(Series.objects.get(uid=series).id), lambda done, total: None)
    third = builders.ct_slice(study_uid=study, series_uid=series, number=3)
    ingest.store(sender, builders.part10(third))
    documents = orjson.loads(b"".join(retrieve.metadata(reader, study, series, root=ROOT).pieces))
    assert [one["00200013"]["Value"] for one in documents] == [[1], [2], [3]]
    derive.metadata(str(Series.objects.get(uid=series).id), lambda done, total: None)
    assert Rendition.objects.get(form="json", series__uid=series).covers == 3


def test_every_bulk_data_uri_in_the_metadata_of_real_files_resolves(
    sample_data: Path, sender: Actor, reader: Actor
) -> None:
    resolved = 0
    for sample in samples(sample_data, each=4):
        try:
            ingest.store(sender, sample.data)
        except Exception:  # noqa: BLE001  What is refused has no metadata.
            continue
        pieces = retrieve.metadata(reader, sample.study, sample.series, sample.sop, root=ROOT).pieces
        (document,) = orjson.loads(b"".join(pieces))
        assert document["00080018"]["Value"] == [sample.sop]
        for uri in uris(document):
            base = f"{ROOT}/studies/{sample.study}/series/{sample.series}/instances/{sample.sop}/bulkdata/"
            assert uri.startswith(base)
            path = uri.removeprefix(base)
            if path.startswith("7FE0"):
                continue
            size, value = retrieve.bulkdata(reader, sample.study, sample.series, sample.sop, path)
            assert len(b"".join(value)) == size > 0
            resolved += 1
    assert resolved > 20


def uris(document: dict[str, Any]) -> Iterator[str]:
    for attribute in document.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        for item in attribute.get("Value", []) if attribute["vr"] == "SQ" else []:
            yield from uris(item)


def test_pictures_show_the_middle_image_in_the_size_and_window_asked_for(sender: Actor, reader: Actor) -> None:

    files = series_of(sender, 3, side=64, PixelData=np.arange(64 * 64, dtype="<u2").tobytes())
    study, series, sop = uids(files[1])
    shown = retrieve.rendered(reader, study)
    image = Image.open(io.BytesIO(b"".join(shown.pieces)))
    assert (image.format, image.size, image.mode) == ("JPEG", (64, 64), "L")
    view = retrieve.View("image/png", viewport=(32, 20), window=(0.0, 1.0, "LINEAR"))
    png = Image.open(io.BytesIO(b"".join(retrieve.rendered(reader, study, series, sop, 1, view=view).pieces)))
    assert (png.format, png.size) == ("PNG", (20, 20))
    # The pixels rise from -1024 by the rescale: a hard window at 0 leaves the upper quarter black.
    assert png.getpixel((5, 1)) == 0
    assert png.getpixel((5, 18)) == 255
