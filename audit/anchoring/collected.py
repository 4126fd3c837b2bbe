"""The signed notes in a file of a collector of audit messages, read as an anchor: one that this program only reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AnchorError
from audit.messages import frames


@dataclass(frozen=True, slots=True)
class Collected:
    """A collector's file. Its lines may come twice and in any order; its notes come out once each, by their size."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def append(self, origin: str, note: str) -> None:
        """Refuse: what stands there is sent, and the collector writes it."""
        raise AnchorError(f"{self.path} is a collector's file and is only read.")

    def newest(self, origin: str) -> str | None:
        """The note of the most rows, or None. Raises OSError."""
        return next(reversed(self._sorted(origin, self.extent(origin))), None)

    def notes(self, origin: str, extent: int) -> Iterator[str]:
        """Every note of a log within the first `extent` bytes of the file, by its size. Raises OSError."""
        yield from self._sorted(origin, extent)

    def extent(self, origin: str) -> int:
        """How many bytes the file has, if it holds a note of this log; else 0. Raises OSError."""
        size = self.path.stat().st_size
        return size if next(self._found(origin, size), None) is not None else 0

    def _sorted(self, origin: str, extent: int) -> list[str]:
        return sorted(set(self._found(origin, extent)), key=_size)

    def _found(self, origin: str, extent: int) -> Iterator[str]:
        with self.path.open("rb") as lines:
            for line in lines:
                extent -= len(line)
                if extent < 0:
                    return
                # Other installations may be told to the same file; their notes are no business of ours.
                notes = frames.notes_in(line.decode(errors="replace"))
                yield from (note for note in notes if note.split("\n", 1)[0] == origin)


def _size(note: str) -> int:
    """How many rows a note says it signs; one that says nothing readable comes first, for the verifier to find."""
    second = note.split("\n", 2)[1]
    return int(second) if second.isascii() and second.isdecimal() and len(second) < 20 else 0
