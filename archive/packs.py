"""Appending sealed records to packs, making them durable, and reading them back.

A record is `u32 length of the rest || u32 length of head || head || object`, big-endian (docs/FORMAT.md). A pack holds
one study under one key, is written by one process and is never opened for writing again: the writer's random id is in
its name.
A pack in which anything went wrong is left as it is and a new one begun, so that an offset is never a guess.
"""

import os
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from threading import Lock, RLock
from uuid import UUID, uuid4

from archive import stores
from archive.errors import PackMissing, Unavailable
from archive.models import Pack
from archive.stores import Sink, Source
from audit import alerts

ROLL_OVER = 1 << 30
MOST_OPEN = 64
MOST_NUMBER = 999_999  # a name has six digits for it
LONGEST_RECORD = (1 << 32) - 5
_KEY_ID = slice(12, 28)  # of a sealed object
_LENGTHS = struct.Struct(">II")

Again = Callable[[], tuple[str, int] | None]
"""Where an object lies now, as pack and offset, should it have been moved since it was looked up; None: nowhere."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an appended object lies: it begins at `offset`. `pack` is the id of its row, `study_row` in its path."""

    pack: UUID
    study_row: UUID
    name: str
    offset: int
    length: int


@dataclass(slots=True)
class _Open:
    id: UUID
    name: str
    key: bytes
    sink: Sink
    dirty: bool = False


class Writer:
    """This process's open packs. Safe for threads: one appends or flushes at a time."""

    def __init__(self) -> None:
        self.id = token_hex(8)
        self._lock = RLock()
        self._open: OrderedDict[UUID, _Open] = OrderedDict()
        self._broken: set[UUID] = set()
        self._number = 0

    def append(self, study_row: UUID, head: bytes, sealed: bytes) -> Place:
        """Append one record to the study's pack; it is durable after `flush`. Raises Unavailable."""
        if len(head) + len(sealed) + 4 > LONGEST_RECORD:
            raise Unavailable("The object is larger than a pack can hold.")
        with self._lock:
            pack = self._pack(study_row, sealed)
            offset = pack.sink.size + _LENGTHS.size + len(head)
            pack.dirty = True
            try:
                pack.sink.write(_LENGTHS.pack(4 + len(head) + len(sealed), len(head)), head, sealed)
            except OSError as error:
                self._abandon(study_row, pack)
                raise Unavailable(f"The object could not be written: {os.strerror(error.errno or 0)}.") from None
            return Place(pack.id, study_row, pack.name, offset, len(sealed))

    def flush(self, places: Iterable[Place]) -> None:
        """Return once these places would survive a power cut, with whatever else was appended. Raises Unavailable."""
        with self._lock:
            dirty = [(study, pack) for study, pack in self._open.items() if pack.dirty]
            for (study, pack), error in zip(dirty, _sync([pack for _, pack in dirty]), strict=True):
                pack.dirty = False
                if error is not None:
                    # What the kernel failed to write it may have dropped: a second try would only seem to succeed.
                    self._abandon(study, pack)
                elif pack.sink.ended:
                    self._retire(study)
            if any(place.pack in self._broken for place in places):
                raise Unavailable("The object could not be made durable.")

    def leave(self, names: Iterable[str]) -> None:
        """Write nothing more into these packs: the next record of their studies begins others."""
        with self._lock:
            for study in [study for study, pack in self._open.items() if pack.name in set(names)]:
                self._retire(study)

    def close(self) -> None:
        """Close every pack. What was not flushed stays unnamed in them."""
        with self._lock:
            for pack in self._open.values():
                pack.sink.close()
            self._open.clear()

    def _pack(self, study_row: UUID, sealed: bytes) -> _Open:
        pack, wanted, key = self._open.get(study_row), len(sealed), bytes(sealed[_KEY_ID])
        if pack is not None and pack.key != key:
            # The study was given another key: what lies under the one before goes with its whole packs.
            self._retire(study_row)
            pack = None
        if pack is not None and pack.sink.removed():
            # What it holds and no row names yet will be refused by the index, and come again.
            self._retire(study_row)
            pack = None
        if pack is not None and pack.sink.size + wanted > ROLL_OVER and pack.sink.size:
            self._retire(study_row)
            pack = None
        if pack is None:
            pack = self._begin(study_row, key)
        self._open.move_to_end(study_row)
        return pack

    def _begin(self, study_row: UUID, key: bytes) -> _Open:
        while len(self._open) >= MOST_OPEN:
            self._retire(next(iter(self._open)))
        if self._number >= MOST_NUMBER:
            self.id, self._number = token_hex(8), 0
        self._number += 1
        name = stores.pack_name(study_row, self.id, self._number)
        try:
            pack = _Open(uuid4(), name, key, stores.store().create(name))
        except OSError as error:
            raise Unavailable(f"A pack could not be begun: {os.strerror(error.errno or 0)}.") from None
        self._open[study_row] = pack
        return pack

    def _retire(self, study_row: UUID) -> None:
        """Close a pack in good order: what is in it may be waiting for the next flush."""
        pack = self._open[study_row]
        if pack.dirty and _sync([pack])[0] is not None:
            self._broken.add(pack.id)
        pack.sink.close()
        del self._open[study_row]

    def _abandon(self, study_row: UUID, pack: _Open) -> None:
        self._broken.add(pack.id)
        pack.sink.close()
        if self._open.get(study_row) is pack:
            del self._open[study_row]


def _sync(packs: list[_Open]) -> list[OSError | None]:
    """Flush packs, in parallel when several; a disk takes many at once as quickly as one."""
    if len(packs) < 2:
        return [_sync_one(pack) for pack in packs]
    with ThreadPoolExecutor(min(8, len(packs)), thread_name_prefix="flush") as pool:
        return list(pool.map(_sync_one, packs))


def _sync_one(pack: _Open) -> OSError | None:
    try:
        pack.sink.flush()
    except OSError as error:
        return error
    return None


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


def append(study_row: UUID, head: bytes, sealed: bytes) -> Place:
    """Append one record to this process's pack of a study; call `flush` with the place before relying on it."""
    return writer().append(study_row, head, sealed)


def flush(places: Iterable[Place]) -> None:
    """Make appended places durable. Raises Unavailable."""
    writer().flush(places)


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


def records(pack_name: str) -> Iterator[tuple[bytes, int, int]]:
    """Every whole record of a pack, for those who rebuild or check: the head, and offset and length of the object.

    A record that was cut off ends the pack: only the last one can be, since nothing follows a failed write.
    """
    position = 0
    with reading(pack_name) as source:
        while len(lengths := source(position, _LENGTHS.size)) == _LENGTHS.size:
            rest, head_length = _LENGTHS.unpack(lengths)
            end = position + 4 + rest
            if 4 + head_length > rest or len(source(end - 1, 1)) != 1:
                return
            offset = position + _LENGTHS.size + head_length
            yield source(position + _LENGTHS.size, head_length), offset, end - offset
            position = end
