"""The open packs of one process: records appended in memory, written and flushed together.

A pack holds one study under one key, is written by one process and is never opened for writing again: the writer's
random id is in its name. A pack in which anything went wrong is left as it is and a new one begun, so that an offset is
never a guess.
"""

import os
import struct
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from secrets import token_hex
from threading import RLock
from uuid import UUID, uuid4

from archive import stores
from archive.errors import NotDurable, Unavailable
from archive.stores import Sink

ROLL_OVER = 1 << 30
MOST_OPEN = 64
MOST_WAITING = 8 << 20
"""Bytes of one pack that are kept until it is flushed; more are written at once."""

MOST_NUMBER = 999_999  # a name has six digits for it
LONGEST_RECORD = (1 << 32) - 5
_KEY_ID = slice(12, 28)  # of a sealed object
LENGTHS = struct.Struct(">II")


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
    size: int = 0  # with what waits to be written
    waiting: list[bytes] = field(default_factory=list)
    dirty: bool = False

    def write(self) -> None:
        """Write what waits. Raises OSError."""
        parts, self.waiting = self.waiting, []
        self.sink.write(*parts)


class Writer:
    """This process's open packs. Safe for threads: one appends or flushes at a time."""

    def __init__(self) -> None:
        self.id = token_hex(8)
        self._lock = RLock()
        self._open: OrderedDict[UUID, _Open] = OrderedDict()
        self._broken: dict[UUID, str] = {}  # and what stood in the way
        self._number = 0

    def append(self, study_row: UUID, head: bytes, sealed: bytes) -> Place:
        """Append one record to the study's pack; it is durable after `flush`. Raises Unavailable.

        What is little is written when it is flushed: whoever appends goes on meanwhile.
        """
        if len(head) + len(sealed) + 4 > LONGEST_RECORD:
            raise Unavailable("The object is larger than a pack can hold.")
        with self._lock:
            pack = self._pack(study_row, sealed)
            offset = pack.size + LENGTHS.size + len(head)
            pack.dirty = True
            pack.waiting += (LENGTHS.pack(4 + len(head) + len(sealed), len(head)), head, sealed)
            pack.size = offset + len(sealed)
            if pack.size - pack.sink.size > MOST_WAITING:
                self._write(study_row, pack)
            return Place(pack.id, study_row, pack.name, offset, len(sealed))

    def _write(self, study_row: UUID, pack: _Open) -> None:
        try:
            pack.write()
        except OSError as error:
            self._abandon(study_row, pack, error)
            raise Unavailable(f"The object could not be written{_reason(error)}.") from None

    def flush(self, places: Iterable[Place]) -> None:
        """Return once these places would survive a power cut, with whatever else was appended. Raises NotDurable."""
        with self._lock:
            dirty = [(study, pack) for study, pack in self._open.items() if pack.dirty]
            for (study, pack), error in zip(dirty, _sync([pack for _, pack in dirty]), strict=True):
                pack.dirty = False
                if error is not None:
                    # What the kernel failed to write it may have dropped: a second try would only seem to succeed.
                    self._abandon(study, pack, error)
                elif pack.sink.ended:
                    self._retire(study)
            for place in places:
                if place.pack in self._broken:
                    raise NotDurable(f"The object could not be made durable{self._broken[place.pack]}.")

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
        if pack is not None and pack.size + wanted > ROLL_OVER and pack.size:
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
        if pack.dirty and (error := _sync([pack])[0]) is not None:
            self._broken[pack.id] = _reason(error)
        pack.sink.close()
        del self._open[study_row]

    def _abandon(self, study_row: UUID, pack: _Open, error: OSError) -> None:
        self._broken[pack.id] = _reason(error)
        pack.sink.close()
        if self._open.get(study_row) is pack:
            del self._open[study_row]


def _reason(error: OSError) -> str:
    """Behind what failed, why it did, where the machine says so."""
    return f": {os.strerror(error.errno)}" if error.errno else ""


def _sync(packs: list[_Open]) -> list[OSError | None]:
    """Flush packs, in parallel when several; a disk takes many at once as quickly as one."""
    if len(packs) < 2:
        return [_sync_one(pack) for pack in packs]
    with ThreadPoolExecutor(min(8, len(packs)), thread_name_prefix="flush") as pool:
        return list(pool.map(_sync_one, packs))


def _sync_one(pack: _Open) -> OSError | None:
    try:
        pack.write()
        pack.sink.flush()
    except OSError as error:
        return error
    return None
