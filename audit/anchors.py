"""Copies of the checkpoints in places that whoever owns the database does not own. Appends, and reads back.

An anchor is a directory outside the data directory. Each log has one file there, to which notes are only ever added,
each followed by an empty line; a half-written note is left behind and passed over.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from django.conf import settings

_SIGNATURE = "\N{EM DASH} "
_TAIL_BYTES = 4096


class AnchorError(OSError):
    """An anchor cannot be used: the message says which setting and why."""


def places() -> list[Path]:
    """The directories that PACS_ANCHORS names. Raises AnchorError for what is no directory outside the data."""
    return [_place(url) for url in settings.PACS_ANCHORS]


def append(place: Path, origin: str, note: str) -> None:
    """Add a signed note to the log's file and make it durable. Raises OSError."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = file_of(place, origin)
    made = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 2, max(size - 2, 0)) != b"\n\n"
        data = (("\n\n" if torn else "") + note + "\n").encode()
        if os.write(descriptor, data) != len(data):
            raise AnchorError("The anchor took only a part of the checkpoint.")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if made:
        _sync(place)


def newest(place: Path, origin: str) -> str | None:
    """The last whole note of a log at an anchor, or None. Raises OSError."""
    path = file_of(place, origin)
    if not path.exists():
        return None
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    found = None
    for note in _notes(text.splitlines(keepends=True)):
        found = note
    return found


def notes(place: Path, origin: str, limit: int) -> Iterator[str]:
    """Every whole note of a log within the first `limit` bytes of its file, in the order in which they were added."""
    path = file_of(place, origin)
    if path.exists():
        yield from _notes(_lines(path, limit))


def size_of(place: Path, origin: str) -> int:
    """How many bytes of notes an anchor holds now."""
    path = file_of(place, origin)
    return path.stat().st_size if path.exists() else 0


def file_of(place: Path, origin: str) -> Path:
    """The file of one log: its origin with dashes for slashes."""
    return place / (origin.replace("/", "-") + ".notes")


def _lines(path: Path, limit: int) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            limit -= len(line)
            if limit < 0:
                return
            yield line.decode(errors="replace")


def _notes(lines: Iterable[str]) -> Iterator[str]:
    """Blocks of lines between empty ones: a text block followed by a block of signatures is a note."""
    text, block = "", ""
    for line in chain(lines, ["\n"]):
        if line != "\n":
            block += line
            continue
        if block.startswith(_SIGNATURE) and text:
            yield f"{text}\n{block}"
            text = ""
        elif block:
            text = block
        block = ""


def _place(url: str) -> Path:
    scheme, _, path = url.partition(":")
    if scheme != "file":
        raise AnchorError(f"PACS_ANCHORS names {scheme}:, but only file: anchors are known.")
    place = Path(path).absolute()
    if place.resolve().is_relative_to(Path(settings.PACS_DATA_DIR).resolve()):
        raise AnchorError("PACS_ANCHORS lies inside PACS_DATA_DIR, where it would be restored with what it guards.")
    return place


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
