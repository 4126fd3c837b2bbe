"""Every frame that leaves is, byte for byte, the one that pydicom cuts out of the file as it was received."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import generate_uid

from accounts.actors import Actor
from accounts.errors import NotVisible
from archive import ingest, retrieve
from archive.errors import ArchiveError, Unsuitable
from archive.retrieve import Frames
from tests import builders
from tests.archive.outflow.oracle import samples

Store = Callable[..., Dataset]
# Both plug-ins and we decode the same codestreams; these are the ones every installation of the tests has.
DECODED = ["5", "4.50", "4.70", "4.80", "4.81", "4.90", "4.91"]


def taken(found: Frames, *, decoded: bool = False) -> list[bytes]:
    return [b"".join(frame.pieces) for frame in found.parts(decoded=decoded)]


def test_frames_of_every_transfer_syntax_equal_what_pydicom_extracts(
    sample_data: Path, sender: Actor, reader: Actor
) -> None:
    compared: dict[str, int] = {}
    for sample in samples(sample_data, each=6):
        try:
            ingest.store(sender, sample.data)
        except ArchiveError:
            continue
        expected = sample.frames()
        found = retrieve.frames(reader, sample.study, sample.series, sample.sop)
        assert taken(found) == expected, sample.path.name
        sizes = found.sizes()
        assert sizes is None or list(sizes) == [len(frame) for frame in expected]
        compared[sample.transfer_syntax] = compared.get(sample.transfer_syntax, 0) + 1
    assert sum(compared.values()) >= 40
    assert len(compared) >= 12, compared


def test_decoded_frames_equal_what_pydicom_decodes(sample_data: Path, sender: Actor, reader: Actor) -> None:
    compared = set()
    for sample in samples(sample_data, each=3):
        if sample.transfer_syntax.removeprefix("1.2.840.10008.1.2.") not in DECODED:
            continue
        ingest.store(sender, sample.data)
        found = retrieve.frames(reader, sample.study, sample.series, sample.sop, [1])
        try:
            expected = get_decoder(sample.transfer_syntax).as_array(sample.read(), index=0, raw=True)[0].tobytes()
        except RuntimeError:
            with pytest.raises(ArchiveError):
                taken(found, decoded=True)
            continue
        assert taken(found, decoded=True) == [expected], sample.path.name
        compared.add(sample.transfer_syntax)
    assert len(compared) >= 6


def many(store: Store, count: int, **attributes: object) -> Dataset:
    """A native multi-frame object whose frame n is full of the number n."""
    pixels = np.repeat(np.arange(1, count + 1, dtype="<u2"), 16).tobytes()
    return store(side=4, NumberOfFrames=count, PixelData=pixels, **attributes)


def test_frames_come_in_the_order_asked_for(store: Store, reader: Actor) -> None:
    ds = many(store, 9)
    found = retrieve.frames(reader, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID, [7, 1, 3, 7])
    assert [frame[0] for frame in taken(found)] == [7, 1, 3, 7]


@pytest.mark.parametrize("number", [0, 10, 2**31])
def test_a_frame_that_is_not_there_is_refused_in_words(store: Store, reader: Actor, number: int) -> None:
    ds = many(store, 9)
    with pytest.raises(Unsuitable, match="no such frame"):
        retrieve.frames(reader, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID, [1, number])


def test_frames_of_single_bits_that_share_bytes_come_apart(store: Store, reader: Actor) -> None:
    bits = np.random.default_rng(7).integers(0, 2, (3, 5, 5), dtype="u1")
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    ds = store(
        side=5, NumberOfFrames=3, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed + b"\0" * (len(packed) % 2)
    )
    found = retrieve.frames(reader, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID)
    assert taken(found) == [np.packbits(frame.ravel(), bitorder="little").tobytes() for frame in bits]


def test_an_object_without_pixels_says_so(sender: Actor, reader: Actor) -> None:
    ds = builders.ct_slice()
    del ds.PixelData
    ingest.store(sender, builders.part10(ds))
    with pytest.raises(Unsuitable, match="not an image"):
        retrieve.frames(reader, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID, [1])


def test_an_instance_is_reached_through_its_own_series_and_study_only(store: Store, reader: Actor) -> None:
    ds, other = store(), store()
    for study, series in (
        (other.StudyInstanceUID, ds.SeriesInstanceUID),
        (ds.StudyInstanceUID, other.SeriesInstanceUID),
        (ds.StudyInstanceUID, generate_uid()),
    ):
        with pytest.raises(NotVisible):
            retrieve.frames(reader, study, series, ds.SOPInstanceUID, [1])


def test_refusing_a_large_study_asks_as_little_as_refusing_an_unknown_one(sender: Actor, stranger: Actor) -> None:
    large = [builders.part10(ds) for ds in builders.study(60, side=4)]
    for ticket in [ingest.submit(sender, data) for data in large]:
        ticket.result(30)
    study = pydicom.dcmread(io.BytesIO(large[0])).StudyInstanceUID
    asked = {}
    for name, uid in (("forbidden", study), ("unknown", generate_uid())):
        with CaptureQueriesContext(connection) as captured, pytest.raises(NotVisible):
            retrieve.instances(stranger, uid)
        asked[name] = [q["sql"].split(" WHERE ")[0] for q in captured.captured_queries if "archive_" in q["sql"]]
    assert len(asked["forbidden"]) == 1
    assert asked["forbidden"] == asked["unknown"]
