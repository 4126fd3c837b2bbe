"""One large object sealed as it arrives, into a pack of its own that says it is cut off until it is whole.

The record begins with a length that no record has and a head that says nothing true, as long as the true one. Once all
sealed bytes are durable, the true head is written over it, and then the true length, each durable before the next: what
a crash leaves is passed over by whoever reads packs, named by nobody, and swept.
"""

import os
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import Final
from uuid import UUID, uuid4

from archive import appending, keys, packs, stores
from archive.disk import DiskSink
from archive.errors import ArchiveError, Damaged, Unavailable
from archive.openers import Opener
from archive.packs import Place
from archive.stores import Disk
from vault.objects import Buffer, Kind, Slots

UNENDED: Final = 0xFFFFFFFF
"""The length of a record that is not whole; no whole one is so long (`appending.LONGEST_RECORD`)."""

AT_ONCE: Final = 16 << 20
"""Bytes that are written between two questions whether the disk has room, and between two flushes beside the rest."""

PIECE: Final = 1 << 20
_LENGTHS: Final = struct.Struct(">II")
FULL: Final = "The archive is nearly full; it takes nothing new until there is room."


@dataclass(frozen=True, slots=True)
class Seal:
    """Under which key and as what an object is sealed. `of` is the instance that a newcomer came under."""

    key: keys.KeyName
    kind: Kind
    slots: Slots
    study_uid: str  # whose key it is
    of: UUID | None = None


class Growing:
    """A pack with one record that is not whole yet. Used by one thread at a time; whoever makes one closes it."""

    def __init__(self, seal: Seal, object_id: UUID, head: bytes) -> None:
        """Begin with a head that will be replaced by one as long. Raises Unavailable."""
        self.seal, self.object_id, self.head_length = seal, object_id, len(head)
        self.pack, self.name = uuid4(), stores.pack_name(seal.key.owner, token_hex(8), 1)
        self.length = 0
        self._place: Place | None = None
        self._sealer = keys.sealer(seal.key.id, seal.kind, object_id, seal.slots)
        self._store, self._sink = _created(self.name)
        self._flushes = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._flush: Future[None] | None = None
        self._asked = self._flushed = 0
        self._closed = False
        try:
            self._written(_LENGTHS.pack(UNENDED, len(head)), head)
        except BaseException:
            self.close()
            raise

    @property
    def whole(self) -> bool:
        """Whether the record is whole and durable, so that it may be named, and a rebuild may have named it."""
        return self._place is not None

    @property
    def offset(self) -> int:
        """Where the object begins in its pack."""
        return _LENGTHS.size + self.head_length

    def serves(self, seal: Seal) -> bool:
        """Tell whether it is sealed as it should be."""
        return self.seal == seal

    def add(self, data: Buffer) -> None:
        """Seal and write the next bytes of the object. Raises Unavailable."""
        self._object(self._sealer.update(data))

    def end(self) -> None:
        """Return once every sealed byte is durable, none of them named. Raises Unavailable."""
        self._object(self._sealer.finish())
        try:
            self._await()
            self._sink.flush()
        except OSError as error:
            raise _unavailable(error) from None

    def complete(self, head: bytes) -> Place:
        """Make the record whole and durable, with its true head; return where the object lies. Raises Unavailable."""
        if self._place is None:
            if len(head) != self.head_length or 4 + len(head) + self.length > appending.LONGEST_RECORD:
                raise Unavailable("The object is larger than a pack can hold.")
            try:
                self._sink.amend(_LENGTHS.size, head)
                self._sink.flush()
                self._sink.amend(0, _LENGTHS.pack(4 + len(head) + self.length, len(head)))
                self._sink.flush()
            except OSError as error:
                raise _unavailable(error) from None
            self._place = Place(self.pack, self.seal.key.owner, self.name, self.offset, self.length)
        return self._place

    def opened(self, opener: Opener) -> Iterator[bytes]:
        """The object's own bytes, read back. Raises Damaged."""
        seal = self.seal
        with packs.reading(self.name, self.offset) as read:
            stored = pieces(read, self.length)
            yield from opener.stream(seal.key.id, seal.kind, self.object_id, 0, seal.slots, stored)

    def close(self) -> None:
        """Give up what it holds open; a pack whose record did not become whole is removed."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._await()
        self._flushes.shutdown()
        self._sink.close()
        if self._place is None:
            # Nobody else can have named it: to all others its record is cut off. What stays here is swept later.
            with suppress(OSError, ArchiveError):
                self._store.remove(self.name)

    def _object(self, sealed: bytes) -> None:
        if sealed:
            self.length += len(sealed)
            self._written(sealed)

    def _written(self, *parts: bytes) -> None:
        try:
            if self._sink.size >= self._asked:
                self._asked = self._sink.size + AT_ONCE
                if not self._store.has_room(AT_ONCE):
                    raise Unavailable(FULL)
            self._sink.write(*parts)
            if self._sink.size - self._flushed > AT_ONCE and (self._flush is None or self._flush.done()):
                # The disk works while the rest arrives; what it cannot write is told by the next look.
                self._await()
                self._flush, self._flushed = self._flushes.submit(self._sink.flush), self._sink.size
        except OSError as error:
            raise _unavailable(error) from None

    def _await(self) -> None:
        """Wait for the flush that is under way. Raises OSError where it failed: the kernel tells of it only once."""
        if self._flush is not None:
            self._flush.result()


def _created(name: str) -> tuple[Disk, DiskSink]:
    store = stores.store()
    if not isinstance(store, Disk):
        raise Unavailable("Here packs cannot grow.")
    try:
        return store, store.growing(name)
    except OSError as error:
        raise _unavailable(error) from None


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"The object could not be written: {os.strerror(error.errno or 0)}.")


def pieces(read: Callable[[int, int], bytes], length: int) -> Iterator[bytes]:
    """The stored bytes of an object. Raises Damaged where its pack ends before."""
    for at in range(0, length, PIECE):
        wanted = min(PIECE, length - at)
        data = read(at, wanted)
        if len(data) != wanted:
            raise Damaged("Its pack ends before it does.")
        yield data
