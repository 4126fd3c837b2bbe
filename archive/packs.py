"""Appending sealed records to packs, making them durable, and reading them back.

A record is `u32 length of the rest || u32 length of head || head || object`, big-endian (docs/FORMAT.md). How this
process writes its packs stands in `archive.appending`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, RLock
from uuid import UUID

from archive import stores
from archive.appending import LENGTHS, Place, Writer
from archive.direct import whole_blocks
from archive.disk import Part
from archive.errors import PackMissing
from archive.models import Pack
from archive.stores import Source
from audit import alerts

__all__ = ["Again", "Place", "append", "current", "flush", "forget", "leave", "read", "reading", "records", "writer"]

Again = Callable[[], tuple[str, int] | None]
"""Where an object lies now, as pack and offset, should it have been moved since it was looked up; None: nowhere."""

_writer: Writer | None = None
_lock = RLock()


def writer() -> Writer:
    """This process's writer, begun at first need."""
    global _writer
    with _lock:
        if _writer is None:
            _writer = Writer()
        return _writer


def forget() -> None:
    """Close this process's packs; the next append begins new ones."""
    global _writer
    with _lock:
        if _writer is not None:
            _writer.close()
        _writer = None
    stores.forget()


def _disown() -> None:
    """A forked child must neither write to its parent's packs nor close them in its name."""
    global _writer, _lock
    _writer, _lock = None, RLock()


os.register_at_fork(after_in_child=_disown)


def append(study_row: UUID, head: bytes, sealed: Part) -> Place:
    """Append one record to this process's pack of a study; call `flush` before relying on it."""
    return writer().append(study_row, head, sealed)


def flush(places: Iterable[Place]) -> None:
    """Make appended places durable. Raises Unavailable."""
    writer().flush(places)


def current(study_row: UUID) -> UUID | None:
    """The id of the pack into which this process writes the study's next object, unless that begins another."""
    return writer().current(study_row)


def leave(names: Iterable[str]) -> None:
    """Write nothing more into these packs of this process."""
    writer().leave(names)


class _Followed:
    """One object being read, wherever it goes meanwhile. Several threads may read at once."""

    def __init__(self, pack: str, offset: int, again: Again | None) -> None:
        self._place, self._again = (pack, offset), again
        self._source: Source | None = None
        self._lock = Lock()

    def begin(self) -> tuple[Source, int]:
        """The open pack and where the object begins in it. Raises PackMissing."""
        with self._lock:
            while self._source is None:
                try:
                    self._source = stores.store().open(self._place[0])
                except PackMissing:
                    self._follow()
            return self._source, self._place[1]

    def read(self, start: int, length: int) -> bytes:
        while True:
            source, offset = self.begin()
            try:
                return source.read(offset + start, length)
            except PackMissing:
                with self._lock:
                    if source is self._source:
                        self._follow()

    def close(self) -> None:
        if self._source is not None:
            self._source.close()

    def _follow(self) -> None:
        """Turn to where the object lies now. Raises PackMissing where that is nowhere else."""
        now, name = self._again() if self._again else None, self._place[0]
        if now is None or now == self._place:
            if not Pack.objects.filter(name=name).exclude(removed_at=None).exists():
                alerts.raise_("damaged", "packs", f"The pack {name} is missing from where packs are kept.")
            raise PackMissing("A pack is missing.")
        self.close()
        self._source, self._place = None, now


@contextmanager
def reading(pack_name: str, offset: int = 0, again: Again | None = None) -> Iterator[Callable[[int, int], bytes]]:
    """A function `read(offset, length)` over the object of a pack that begins at `offset`, until the block ends.

    With `again`, an object whose pack has gone is read on where it lies then. A missing pack raises PackMissing and one
    alert for all of them: it may be the whole disk. Nobody misses one that was removed after everything had moved.
    """
    followed = _Followed(pack_name, offset, again)
    try:
        followed.begin()
        yield followed.read
    finally:
        followed.close()


def read(pack_name: str, offset: int, length: int, again: Again | None = None) -> bytes:
    """The stored bytes of one object; fewer where the pack was cut off, which then does not open."""
    with reading(pack_name, offset, again) as source:
        return source(0, length)


def behind_zeros(read: Callable[[int, int], bytes], position: int) -> int:
    """Where the next block begins, if only zeros lie before it, with which a write was filled up; else `position`."""
    following = whole_blocks(position)
    if following == position or any(read(position, following - position)):
        return position
    return following


def records(pack_name: str) -> Iterator[tuple[bytes, int, int]]:
    """Every whole record of a pack, for those who rebuild or check: the head, and offset and length of the object.

    A record that was cut off ends the pack: only the last one can be, since nothing follows a failed write.
    """
    position = 0
    with reading(pack_name) as source:
        while len(lengths := source(position, LENGTHS.size)) == LENGTHS.size:
            rest, head_length = LENGTHS.unpack(lengths)
            if not rest and (following := behind_zeros(source, position)) > position:
                position = following
                continue
            end = position + 4 + rest
            if 4 + head_length > rest or len(source(end - 1, 1)) != 1:
                return
            offset = position + LENGTHS.size + head_length
            yield source(position + LENGTHS.size, head_length), offset, end - offset
            position = end
