"""The program that compares: limits first, then two files on standard input, one JSON object on standard output."""

import json
import resource
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO, Final

import numpy as np
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels

from archive.comparing.attributes import differing

MEMORY: Final = 4 << 30
SECONDS: Final = 60


def confine() -> None:
    """Give up what comparing does not need: more memory, more time, files, core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def main() -> None:
    """Compare once."""
    confine()
    config.settings.reading_validation_mode = config.IGNORE
    before, after = (_receive(sys.stdin.buffer) for _ in range(2))
    sys.stdout.write(json.dumps(compared(before, after)))


def _receive(stream: BinaryIO) -> bytes:
    return stream.read(int.from_bytes(stream.read(8), "big"))


def compared(before: bytes, after: bytes) -> dict[str, Any]:
    """The attributes that differ, and what can be said of the pixels: none, same, differ or undecodable."""
    try:
        one, other = (dcmread(BytesIO(data), force=True) for data in (before, after))
        attributes = list(differing(one, other))
    except Exception as error:  # noqa: BLE001 - a hostile object may raise anything; here that is an answer
        return {"read": False, "error": type(error).__name__, "attributes": [], "pixels": "undecodable"}
    return {"read": True, "attributes": attributes, "pixels": _pixels(one, other)}


def _pixels(one: Dataset, other: Dataset) -> str:
    has = [
        any(keyword in ds for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")) for ds in (one, other)
    ]
    if not any(has):
        return "none"
    if not all(has):
        return "differ"
    try:
        return "same" if _same(one, other) else "differ"
    except Exception:  # noqa: BLE001 - as above: what no decoder reads cannot be called the same
        return "undecodable"


def _same(one: Dataset, other: Dataset) -> bool:
    """Frame by frame, so that memory holds two frames and not two objects."""
    if _count(one) != _count(other):
        return False
    return all(np.array_equal(*pair) for pair in zip(_frames(one), _frames(other), strict=True))


def _count(ds: Dataset) -> int:
    return int(ds.get("NumberOfFrames") or 1)


def _frames(ds: Dataset) -> Iterator[Any]:
    return iter_pixels(ds)
