"""An anchor that is a directory: one file for each log, to which notes are only added, an empty line after each."""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.anchoring import blocks
from audit.errors import AnchorError

_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory outside the data directory. A half-written note is left behind and passed over."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def append(self, origin: str, note: str) -> None:
        """Add a signed note to the log's file and make it durable. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.file_of(origin)
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
            _sync(self.path)

    def newest(self, origin: str) -> str | None:
        """The last whole note of a log, or None. Raises OSError."""
        path = self.file_of(origin)
        if not path.exists():
            return None
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
        found = None
        for note in blocks.notes(text.splitlines(keepends=True)):
            found = note
        return found

    def notes(self, origin: str, extent: int) -> Iterator[str]:
        """Every whole note of a log within the first `extent` bytes of its file, in the order in which they came."""
        path = self.file_of(origin)
        if path.exists():
            yield from blocks.notes(_lines(path, extent))

    def extent(self, origin: str) -> int:
        """How many bytes of notes there are now."""
        path = self.file_of(origin)
        return path.stat().st_size if path.exists() else 0

    def file_of(self, origin: str) -> Path:
        """The file of one log."""
        return self.path / (blocks.dashed(origin) + ".notes")


def _lines(path: Path, limit: int) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            limit -= len(line)
            if limit < 0:
                return
            yield line.decode(errors="replace")


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
