"""The file of one process's deliveries: a sequence of sealed entries, each tied to its journal and its number.

An entry is `u32 length || u64 number || sealed object` (kind 9; key: the installation key `journal`; object id: the
journal; first slot: the number as 8 bytes). The owner holds a file lock for as long as it lives, so that whoever can
take the lock has found a dead process's journal. Knows nothing of what the entries say.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

from audit import held
from keystore.memory import Key
from vault.errors import Tampered
from vault.objects import Header, Kind, seal, sealed_length, unseal

SUFFIX = ".journal"
_HEAD = struct.Struct(">IQ")
_MOST_BYTES = 64 * 1024 * 1024


class Journal:
    """An open, locked journal. `end` is how many bytes of it are whole, `number` that of the last entry."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.id = UUID(path.name.removesuffix(SUFFIX))
        self.end = 0
        self.number = 0
        self._descriptor = descriptor

    def write(self, key: Key, plaintext: bytes) -> None:
        """Seal one entry, append it and make it durable. Raises OSError, and takes back what was half written."""
        number = self.number + 1
        sealed = seal(key.secret, Header(Kind.JOURNAL, key.id, self.id), _slots(number), plaintext)
        try:
            at = _write(self._descriptor, _HEAD.pack(len(sealed), number) + sealed, self.end)
            os.fdatasync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.end)
            raise
        self.end, self.number = at, number

    def read(self, key: Key, after: int = 0) -> "Iterator[Entry]":
        """Every whole entry numbered above `after`, in order. Stops at a half-written tail.

        Raises Tampered for an entry that does not open although more follows: that is no crash's doing.
        """
        size, at, last = os.fstat(self._descriptor).st_size, 0, 0
        while at + _HEAD.size <= size:
            length, number = _HEAD.unpack(os.pread(self._descriptor, _HEAD.size, at))
            following = at + _HEAD.size + length
            if length > _MOST_BYTES or length < sealed_length(0) or following > size:
                return
            try:
                plaintext = self._open(key, at + _HEAD.size, length, number)
            except Tampered:
                if following == size:
                    return
                raise
            if number <= last:
                raise Tampered("an entry stands twice")
            at, last = following, number
            if number > after:
                yield Entry(number, plaintext)

    def _open(self, key: Key, at: int, length: int, number: int) -> bytes:
        sealed = os.pread(self._descriptor, length, at)
        return unseal(key.secret, Header(Kind.JOURNAL, key.id, self.id), _slots(number), sealed)

    def empty(self) -> None:
        """Cut the file after all of its entries stand in the log; their numbers are never used again."""
        os.ftruncate(self._descriptor, 0)
        self.end = 0

    def remove(self) -> None:
        """Unlink and close."""
        self.path.unlink(missing_ok=True)
        self.close()

    def set_aside(self) -> None:
        """Keep a journal that does not open where no start-up reads it again."""
        self.path.rename(self.path.with_suffix(".damaged"))
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)


class Entry(NamedTuple):
    number: int
    plaintext: bytes


def create(directory: Path) -> Journal:
    """Make a journal of this process's own, locked before anybody can see it. Raises OSError."""
    path = directory / f"{uuid4()}{SUFFIX}"
    descriptor = held.make(path)
    _sync(directory)
    return Journal(path, descriptor)


def leftovers(directory: Path) -> Iterator[Journal]:
    """Claim, one after the other, the journals whose processes are dead. The caller removes or closes each."""
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        descriptor = held.claim(path)
        if descriptor is not None:
            yield Journal(path, descriptor)


def _slots(number: int) -> tuple[bytes, bytes, bytes]:
    return (number.to_bytes(8, "big"), b"", b"")


def _write(descriptor: int, data: bytes, at: int) -> int:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, at)
        at, view = at + written, view[written:]
    return at


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
