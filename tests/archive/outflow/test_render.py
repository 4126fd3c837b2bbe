"""Hostile images hurt nobody but the process that decodes them, and that one only for a moment."""

import os
import subprocess
import time
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from archive import render
from archive.dataset.uids import Encoding
from archive.errors import Damaged, Unavailable, Undecodable
from archive.render import Pixels, View
from tests import builders

J2K = "1.2.840.10008.1.2.4.90"
NATIVE = "1.2.840.10008.1.2.1"


def header(**attributes: Any) -> bytes:
    """The bytes of a data set up to its pixels."""
    ds = builders.ct_slice(**attributes)
    data = builders.part10(ds)
    begin = data.index(b"\x08\x00\x05\x00CS")
    return data[begin : data.index(b"\xe0\x7f\x10\x00") + 12]


def pixels(frame: bytes, syntax: str = J2K, **attributes: Any) -> Pixels:
    return Pixels(frame, header(**attributes), Encoding(), syntax)


def siz(rows: int, columns: int) -> bytes:
    """The beginning of a JPEG 2000 codestream that announces this size."""
    sizes = b"".join(number.to_bytes(4, "big") for number in (columns, rows, 0, 0, columns, rows, 0, 0))
    return b"\xff\x4f\xff\x51\x00\x29\x00\x00" + sizes + b"\x00\x01\x07\x01\x01"


@pytest.mark.parametrize(
    ("frame", "attributes"),
    [
        (siz(2**31, 2**31), {}),
        (siz(2**32 - 1, 1), {}),
        (b"", {}),
        (b"\xff\x4f\xff\x51", {}),
        (b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01", {}),
        (os.urandom(4096), {}),
    ],
)
def test_a_broken_or_lying_codestream_is_damage(frame: bytes, attributes: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        render.decoded(pixels(frame, **attributes))


def test_an_image_too_large_to_decode_is_refused_before_it_is_tried() -> None:
    began = time.monotonic()
    with pytest.raises(Undecodable):
        render.decoded(pixels(siz(65535, 65535), Rows=65535, Columns=65535))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("size", [0, 1, 100, 2047])
def test_pixels_cut_short_are_damage_and_not_a_picture(size: int) -> None:
    with pytest.raises(Damaged):
        render.picture(pixels(bytes(size), NATIVE), View())


def test_a_worker_that_takes_too_long_is_killed_and_the_next_image_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    good = pixels(np.zeros((32, 32), "<u2").tobytes(), NATIVE)
    assert render.picture(good, View())[:2] == b"\xff\xd8"
    monkeypatch.setattr(render, "SECONDS", 0.05)
    large = pixels(np.zeros((8000, 8000), "<u2").tobytes(), NATIVE, Rows=8000, Columns=8000)
    with pytest.raises(Damaged):
        render.picture(large, View(media_type="image/png"))
    monkeypatch.setattr(render, "SECONDS", 20.0)
    assert render.picture(good, View())[:2] == b"\xff\xd8"


def test_the_worker_inherits_nothing_worth_stealing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACS_SECRET_KEY", "worth stealing")
    render.stop()
    secret, outlet = os.pipe()
    os.set_inheritable(secret, True)
    try:
        render.picture(pixels(np.zeros((32, 32), "<u2").tobytes(), NATIVE), View())
        process = render._worker.process
        assert process is not None
        place = Path(f"/proc/{process.pid}")
        assert b"worth stealing" not in place.joinpath("environ").read_bytes()
        assert f"pipe:[{os.fstat(secret).st_ino}]" not in {
            str(one.readlink()) for one in place.joinpath("fd").iterdir()
        }
        limits = [line.split("  ") for line in place.joinpath("limits").read_text().splitlines()]
        hard = {line[0]: [part.strip() for part in line[1:] if part.strip()][1] for line in limits[1:]}
        assert (hard["Max core file size"], hard["Max file size"], hard["Max address space"]) == (
            "0",
            "0",
            str(3 << 30),
        )
    finally:
        os.close(secret)
        os.close(outlet)
        render.stop()


def test_a_worker_made_ready_draws_the_first_image_itself_and_no_other_is_started() -> None:
    render.stop()
    render.ready()
    deadline = time.monotonic() + 10
    while render._worker.process is None and time.monotonic() < deadline:
        time.sleep(0.01)
    waiting = render._worker.process
    assert waiting is not None
    render.picture(pixels(np.zeros((32, 32), "<u2").tobytes(), NATIVE), View())
    assert render._worker.process is waiting


def test_a_process_whose_worker_cannot_be_started_serves_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    render.stop()
    asked = Event()

    def refused(*_words: Any, **_more: Any) -> Any:
        asked.set()
        raise OSError(12, "Cannot allocate memory")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", refused)
        render.ready()
        assert asked.wait(10)
        with pytest.raises(Unavailable):
            render.picture(pixels(np.zeros((32, 32), "<u2").tobytes(), NATIVE), View())
    assert render.picture(pixels(np.zeros((32, 32), "<u2").tobytes(), NATIVE), View())


def picture_of(ds: Dataset) -> bytes:
    data = builders.part10(ds)
    begin, end = data.index(b"\x08\x00\x05\x00CS"), data.index(b"\xe0\x7f\x10\x00") + 12
    return render.picture(Pixels(ds.PixelData, data[begin:end], Encoding(), NATIVE), View(media_type="image/png"))


def shown(ds: Dataset) -> np.ndarray[Any, Any]:
    from io import BytesIO

    from PIL import Image

    return np.asarray(Image.open(BytesIO(picture_of(ds))))


def test_grey_values_go_through_rescale_and_window() -> None:
    values = np.arange(32 * 32, dtype="<u2").reshape(32, 32) * 2
    ds = builders.ct_slice(PixelData=values.tobytes(), WindowCenter=0, WindowWidth=400)
    expected = np.clip(((values.astype(float) - 1024 + 0.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(shown(ds).astype(float) - expected).max() <= 1


def test_inverted_and_coloured_images_are_shown_as_meant() -> None:
    values = np.zeros((32, 32), "<u2")
    values[:16] = 2000
    inverted = builders.ct_slice(PixelData=values.tobytes(), PhotometricInterpretation="MONOCHROME1")
    assert shown(inverted)[0, 0] == 0
    assert shown(inverted)[31, 0] == 255
    colour = np.zeros((32, 32, 3), "u1")
    colour[..., 0] = 200
    rgb = builders.ct_slice(
        PixelData=colour.tobytes(),
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
    )
    assert tuple(shown(rgb)[5, 5]) == (200, 0, 0)
    planar = builders.ct_slice(
        PixelData=colour.transpose(2, 0, 1).tobytes(),
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=1,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
    )
    assert tuple(shown(planar)[5, 5]) == (200, 0, 0)
