"""The open packs of one process: records appended in memory, written and flushed together.

A pack holds one study under one key, is written by one process and is never opened for writing again: the writer's
random id is in its name. A pack in which anything went wrong is left as it is and a new one begun, so that an offset is
never a guess.
"""

import errno
import os
import struct
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from secrets import token_hex
from threading import Lock, RLock
from uuid import UUID, uuid4

from archive import stores
from archive.disk import Part
from archive.errors import NotDurable, Unavailable
from archive.stores import Sink
from vault.objects import Sealing

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


@dataclass(slots=True, eq=False)
class _Open:
    id: UUID
    study: UUID
    name: str
    key: bytes
    sink: Sink
    size: int = 0  # with what waits to be written
    durable: int = 0  # of that, what would survive a power cut
    waiting: list[Part] = field(default_factory=list)
    writing: list[Part] = field(default_factory=list)
    dirty: bool = False

    def take(self) -> int:
        """Let what waits be written by whoever has the turn; return how long the pack is with it."""
        self.writing, self.waiting = self.waiting, []
        self.size = -(-self.size // self.sink.step) * self.sink.step
        return self.size

    def write(self) -> None:
        """Write what was taken. Raises OSError, whatever went wrong: what lies behind would not be where it should."""
        parts, self.writing = self.writing, []
        try:
            if parts:
                self.sink.write(*parts)
        except (ValueError, MemoryError) as error:
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from error


class Writer:
    """This process's open packs. Safe for threads: all append, one at a time makes durable what all have appended.

    `_turn` is held while a disk works, `_lock` for moments; who needs both takes them in this order.
    """

    def __init__(self) -> None:
        self.id = token_hex(8)
        self._turn, self._lock = Lock(), RLock()
        self._open: OrderedDict[UUID, _Open] = OrderedDict()
        self._leaving: list[_Open] = []  # written into no more, and closed once what waits is durable
        self._known: dict[UUID, _Open] = {}  # all of these, by the ids of their rows
        self._broken: dict[UUID, str] = {}  # and what stood in the way
        self._number = 0

    def append(self, study_row: UUID, head: bytes, sealed: Part) -> Place:
        """Append one record to the study's pack; it is durable after `flush`. Raises Unavailable.

        What is little is written, and sealed where it is not yet, when it is flushed: who appends goes on meanwhile.
        """
        length = len(sealed)
        if len(head) + length + 4 > LONGEST_RECORD:
            raise Unavailable("The object is larger than a pack can hold.")
        with self._lock:
            key = sealed.header.key_id.bytes if isinstance(sealed, Sealing) else bytes(sealed[_KEY_ID])
            pack = self._pack(study_row, key, length)
            offset = pack.size + LENGTHS.size + len(head)
            pack.dirty = True
            pack.waiting += (LENGTHS.pack(4 + len(head) + length, len(head)), head, sealed)
            pack.size = offset + length
            much = sum(map(len, pack.waiting)) > MOST_WAITING
            place = Place(pack.id, study_row, pack.name, offset, length)
        if much:
            self._write(pack)
        return place

    def current(self, study_row: UUID) -> UUID | None:
        """The id of the pack into which the study's next object goes, unless that begins another."""
        with self._lock:
            pack = self._open.get(study_row)
            return pack.id if pack is not None else None

    def _write(self, pack: _Open) -> None:
        with self._turn:
            with self._lock:
                pack.take()
            try:
                pack.write()
            except OSError as error:
                with self._lock:
                    self._abandon(pack, error)
                raise Unavailable(f"The object could not be written{_reason(error)}.") from None

    def flush(self, places: Iterable[Place]) -> None:
        """Return once these places would survive a power cut, with whatever else was appended. Raises NotDurable.

        Who comes while another is at it waits, and is served with all who wait as well.
        """
        wanted = list(places)
        with self._turn:
            with self._lock:
                taken = [] if self._lie(wanted) else [(pack, pack.take()) for pack in self._dirty()]
            errors = _sync([pack for pack, _ in taken])
            with self._lock:
                for (pack, size), error in zip(taken, errors, strict=True):
                    if error is not None:
                        # What the kernel failed to write it may have dropped: a second try would only seem to succeed.
                        self._abandon(pack, error)
                        continue
                    pack.durable, pack.dirty = size, bool(pack.waiting)
                    if pack in self._leaving:
                        self._close(pack)
        with self._lock:
            for place in wanted:
                if place.pack in self._broken:
                    raise NotDurable(f"The object could not be made durable{self._broken[place.pack]}.")

    def _lie(self, places: list[Place]) -> bool:
        """Whether all of these are durable already. Under the lock."""
        packs = [(self._known.get(place.pack), place) for place in places]
        return bool(packs) and all(pack and pack.durable >= one.offset + one.length for pack, one in packs)

    def _dirty(self) -> list[_Open]:
        """The packs in which something waits. Those that are ended by a flush are left. Under the lock."""
        for pack in [pack for pack in self._open.values() if pack.dirty and pack.sink.once]:
            self._retire(pack)
        return [pack for pack in (*self._open.values(), *self._leaving) if pack.dirty]

    def leave(self, names: Iterable[str]) -> None:
        """Write nothing more into these packs: the next record of their studies begins others."""
        left = set(names)
        with self._lock:
            for pack in [pack for pack in self._open.values() if pack.name in left]:
                self._retire(pack)

    def close(self) -> None:
        """Close every pack. What was not flushed stays unnamed in them."""
        with self._turn, self._lock:
            for pack in [*self._open.values(), *self._leaving]:
                self._close(pack)

    def _pack(self, study_row: UUID, key: bytes, wanted: int) -> _Open:
        pack = self._open.get(study_row)
        if pack is not None and (
            # The study was given another key: what lies under the one before goes with its whole packs.
            pack.key != key
            # What it holds and no row names yet will be refused by the index, and come again.
            or pack.sink.removed()
            or (pack.size + wanted > ROLL_OVER and pack.size)
        ):
            self._retire(pack)
            pack = None
        if pack is None:
            pack = self._begin(study_row, key)
        self._open.move_to_end(study_row)
        return pack

    def _begin(self, study_row: UUID, key: bytes) -> _Open:
        while len(self._open) >= MOST_OPEN:
            self._retire(next(iter(self._open.values())))
        if self._number >= MOST_NUMBER:
            self.id, self._number = token_hex(8), 0
        self._number += 1
        name = stores.pack_name(study_row, self.id, self._number)
        try:
            pack = _Open(uuid4(), study_row, name, key, stores.store().create(name))
        except OSError as error:
            raise Unavailable(f"A pack could not be begun: {os.strerror(error.errno or 0)}.") from None
        self._open[study_row] = self._known[pack.id] = pack
        return pack

    def _retire(self, pack: _Open) -> None:
        """Write into a pack no more: it is closed at once, or by the flush that what is in it waits for."""
        if pack.dirty:
            del self._open[pack.study]
            self._leaving.append(pack)
        else:
            self._close(pack)

    def _abandon(self, pack: _Open, error: OSError) -> None:
        self._broken[pack.id] = _reason(error)
        self._close(pack)

    def _close(self, pack: _Open) -> None:
        pack.sink.close()
        self._known.pop(pack.id, None)
        if self._open.get(pack.study) is pack:
            del self._open[pack.study]
        if pack in self._leaving:
            self._leaving.remove(pack)


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
