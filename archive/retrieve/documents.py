"""Metadata and bulk data on their way out: ready-made where a quiet series has it, else derived on the spot."""

import gzip
import hashlib
import io
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO

import orjson

from accounts import epoch
from accounts.actors import Actor
from accounts.recent import Recent
from archive import metadata as json
from archive import renditions
from archive.dataset.uids import DEFLATED
from archive.errors import ArchiveError, Unsuitable
from archive.openers import Opener
from archive.retrieve import places, reading
from archive.retrieve.places import Place, Read
from archive.retrieve.reading import Reading
from audit.actions import Use

_BUFFER = 16 * 1024
_STAMP = hashlib.sha256().digest_size
_MOST_PACKED = 2 * 1024 * 1024
_PACKED: Recent[str, bytes] = Recent(most=16, seconds=30.0)
"""Answers put together, by entity tag: for who was permitted a moment ago to see that very list of instances."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The metadata of a study, series or instance: a JSON array in pieces, and an entity tag that changes with it."""

    etag: str
    pieces: Iterator[bytes]


def metadata(
    actor: Actor, study_uid: str, series_uid: str = "", sop_uid: str = "", *, root: str, packed: bool = False
) -> Documents:
    """The DICOM JSON of every instance (PS3.18 §10.4.1.1.2), on record before this returns.

    `root` is the absolute URL of the DICOMweb service, for the BulkDataURIs; `packed` says that the reader takes gzip.
    Raises NotVisible, Forbidden,
    LogUnavailable.
    """
    now, found = reading.begin(actor, study_uid, series_uid, sop_uid)
    etag = stamp(found, root).hex()[:32]
    if not packed:
        return Documents(etag, _array(now, found, root, whole=not sop_uid))
    made = _finished(now, found, etag, root) if series_uid and not sop_uid else None
    pieces = gzipped(_array(now, found, root, whole=not sop_uid)) if made is None else _listed(now, found, made)
    return Documents(etag, pieces)


def _finished(now: Reading, found: list[Place], etag: str, root: str) -> bytes | None:
    """The compressed array of a quiet series, as it was put together a little while ago, or is now."""
    kept = _PACKED.get(etag)
    if kept is None:
        number, began = epoch.number(), time.monotonic()
        text = ready(now.opener, found)
        if text is None:
            return None
        kept = gzip.compress(b"[" + json.finished(text, root) + b"]", 1, mtime=0)
        if len(kept) <= _MOST_PACKED:
            _PACKED.keep(etag, kept, number, began)
    return kept


def _listed(now: Reading, found: list[Place], made: bytes) -> Iterator[bytes]:
    """What is ready-made for all of them, noted as listed before it leaves."""
    now.still()
    for one in found:
        now.delivered(one, Use.LISTED, len(made) // len(found))
    for piece in reading.cut([made]):
        now.still()
        yield piece


def gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as one gzip stream."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        if some := packer.compress(piece):
            yield some
    yield packer.flush()


def _array(now: Reading, found: list[Place], root: str, *, whole: bool) -> Iterator[bytes]:
    """The documents as one JSON array, noted as listed: a header is no reading of images."""
    begin = b"["
    for _, group in groupby(found, key=lambda place: place.series_row):
        of_series = list(group)
        kept = ready(now.opener, of_series) if whole else None
        documents = [(kept, of_series)] if kept else ((document(now.opener, one), [one]) for one in of_series)
        for text, covered in documents:
            now.still()
            finished = begin + json.finished(text, root)
            begin = b","
            # Noted before they leave: who breaks off in the middle of a series has headers of it.
            for one in covered:
                now.delivered(one, Use.LISTED, len(finished) // len(covered))
            for piece in reading.cut([finished]):
                now.still()
                yield piece
    yield b"]" if begin == b"," else b"[]"


def stamp(found: Sequence[Place], *more: str) -> bytes:
    """What changes when other instances, or others of them, are current."""
    names = [str(place.id) for place in found]
    return hashlib.sha256("\n".join([*names, *more]).encode()).digest()


def ready(opener: Opener, of_series: list[Place]) -> bytes | None:
    """The documents of a series as they were made when it fell quiet, None where there are none or they are stale."""
    kept = renditions.of_series(of_series[0].series_row, renditions.METADATA)
    if kept is None or kept.covers != len(of_series):
        return None
    first = of_series[0]
    try:
        plain = renditions.opened(opener, kept, first.study_uid, first.series_uid)
    except ArchiveError:
        return None  # It is derived: what does not open is made again from the objects themselves.
    return gzip.decompress(plain[_STAMP:]) if plain[:_STAMP] == stamp(of_series) else None


def packed(opener: Opener, of_series: list[Place]) -> bytes:
    """The documents of a series as they are kept: a stamp of what they cover, then their texts compressed."""
    texts = b",".join(document(opener, place) for place in of_series)
    return stamp(of_series) + gzip.compress(texts, 6, mtime=0)


def document(opener: Opener, place: Place) -> bytes:
    """The DICOM JSON object of one instance; one that cannot be read is named, and says no more."""
    try:
        with source(opener, place) as data:
            header = json.read_header(data, place.encoding)
            return json.document(header, place.path, place.transfer_syntax)
    except ArchiveError:
        return _named(place)


def _named(place: Place) -> bytes:
    """What the index alone says of an instance: enough for a viewer to show that an image is there and is missing."""
    texts = {"00080016": place.sop_class, "00080018": place.uid}
    texts |= {"0020000D": place.study_uid, "0020000E": place.series_uid}
    said: dict[str, dict[str, object]] = {tag: {"vr": "UI", "Value": [text]} for tag, text in texts.items()}
    if place.number is not None:
        said["00200013"] = {"vr": "IS", "Value": [place.number]}
    if place.frames and place.rows and place.columns:
        said["00280008"] = {"vr": "IS", "Value": [place.frames]}
        said["00280010"] = {"vr": "US", "Value": [place.rows]}
        said["00280011"] = {"vr": "US", "Value": [place.columns]}
        if place.bits_allocated:
            # A viewer takes what has no BitsAllocated for something other than an image, and leaves it out.
            said["00280100"] = {"vr": "US", "Value": [place.bits_allocated]}
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def bulkdata(
    actor: Actor, study_uid: str, series_uid: str, sop_uid: str, path: str, use: Use = Use.RETRIEVED
) -> tuple[int, Iterator[bytes]]:
    """The size and the pieces of the value that a BulkDataURI names by its path; on record before this returns.

    Pixel data are frames (`retrieve.frames`). Raises Unsuitable where there is no such element, and as `instances`.
    """
    now, found = reading.begin(actor, study_uid, series_uid, sop_uid)
    with source(now.opener, found[0]) as data:
        value = json.value_at(data, found[0].encoding, path)
    if not value:
        raise Unsuitable("There is no such element.")
    return len(value), now.guarded([value], found[0], use)


@contextmanager
def source(opener: Opener, place: Place) -> Iterator[BinaryIO]:
    """The data set of one instance as a file that begins where it begins, opened no further than it is read."""
    if place.transfer_syntax in DEFLATED:
        yield io.BytesIO(places.inflated(opener, place)[place.dataset_offset :])
        return
    with places.ranges(opener, place) as read:
        yield io.BufferedReader(_Window(read, place.dataset_offset, place.size), _BUFFER)


class _Window(io.RawIOBase):
    """The plain file from `begin` to `end` as a raw stream."""

    def __init__(self, read: Read, begin: int, end: int) -> None:
        self._read, self._begin, self._end = read, begin, end
        self._at = begin

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at - self._begin

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._begin, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = max(self._begin, base + offset)
        return self.tell()

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._read(self._at, min(len(buffer), max(0, self._end - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
