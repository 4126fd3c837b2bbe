"""Pictures over HTTP, for who has no viewer."""

import io
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from archive import ingest
from tests import builders, people
from tests.archive.dicomweb.conftest import Program, body, path_of

Store = Callable[..., Dataset]


def test_pictures_are_given_at_every_level(store: Store, reader: Program) -> None:
    ds = store()
    path = path_of(ds)
    for level in (f"/studies/{ds.StudyInstanceUID}", path.rpartition("/instances/")[0], path, f"{path}/frames/1"):
        shown = reader.get(f"{level}/rendered?viewport=16,16&window=40,400,linear&quality=50")
        assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(body(shown))).size == (16, 16)
        small = reader.get(f"{level}/thumbnail?accept=image/jpeg", "text/html")
        assert Image.open(io.BytesIO(body(small))).format == "JPEG"
    assert Image.open(io.BytesIO(body(reader.get(f"{path}/rendered", "image/png")))).format == "PNG"


@pytest.mark.parametrize(
    "query",
    [
        "viewport=0,0",
        "viewport=99999,1",
        "viewport=a",
        "window=1",
        "window=1,0,linear",
        "window=nan,1,linear",
        "window=1,1,cubic",
        "quality=0",
        "quality=101",
    ],
)
def test_pictures_that_nobody_can_draw_are_bad_requests(store: Store, reader: Program, query: str) -> None:
    assert reader.get(f"{path_of(store())}/rendered?{query}").status_code == 400


def test_what_is_no_image_has_no_picture_and_what_is_broken_says_so(modality: Any, reader: Program) -> None:
    sender = people.actor(modality)
    report = builders.ct_slice(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    del report.PixelData, report.Rows, report.Columns
    ingest.store(sender, builders.part10(report))
    assert reader.get(f"{path_of(report)}/rendered").status_code == 404
    broken = builders.ct_slice()
    broken.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51 no codestream "])
    broken["PixelData"].VR = "OB"
    ingest.store(sender, builders.part10(broken, "1.2.840.10008.1.2.4.90"))
    answer = reader.get(f"{path_of(broken)}/rendered")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
