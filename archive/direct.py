"""A pack written past the kernel's memory, in whole blocks (O_DIRECT): what is sealed once is read back from the disk.

Appending through the kernel's memory copies each object into fresh pages, which are thrown away once they are flushed.
That costs more than the disk does. What is written at a time is filled up with zeros to a whole block, and what follows
begins with the next one: zeros between two records are none (docs/FORMAT.md).
"""

import errno
import fcntl
import mmap
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from archive.disk import DiskSink, Part
from vault.objects import Sealing

BLOCK: Final = 4096
PIECE: Final = 1 << 20
MOST_SPARE: Final = 8

_lock = Lock()
_spare: list[mmap.mmap] = []
"""Buffers on page boundaries, as the kernel wants them; clearing a new one takes longer than filling an old one."""


def _disown() -> None:
    """A forked child would write into pages that it shares with its parent."""
    global _lock
    _lock = Lock()
    _spare.clear()


os.register_at_fork(after_in_child=_disown)


class DirectSink(DiskSink):
    """A pack file of which whole blocks are written, where the file system allows it past the kernel's memory."""

    step = BLOCK

    def __init__(self, handle: int, folders: list[Path]) -> None:
        super().__init__(handle, folders)
        self._turn(os.O_DIRECT, on=True)

    def write(self, *parts: Part) -> None:
        buffer = _taken()
        try:
            self._fill(buffer, parts)
        finally:
            _given_back(buffer)

    def flush(self) -> None:
        os.fdatasync(self._handle)
        self._sync_folders()

    def _fill(self, buffer: mmap.mmap, parts: tuple[Part, ...]) -> None:
        """Write all parts one behind the other, a buffer full at a time, and zeros up to the end of the last block."""
        at = 0
        for part in parts:
            if not isinstance(part, Sealing):
                at = self._copied(buffer, at, part)
                continue
            at = self._begun(buffer, at) if len(part) > PIECE - at else at
            fits = len(part) <= PIECE - at
            with memoryview(buffer)[at : at + len(part)] if fits else memoryview(bytearray(len(part))) as place:
                part.seal_into(place)
                at = at + len(part) if fits else self._copied(buffer, at, place)
        end = whole_blocks(at)
        buffer[at:end] = bytes(end - at)
        self._put(buffer, end)

    def _begun(self, buffer: mmap.mmap, at: int) -> int:
        """Write the whole blocks in the buffer and begin it anew with what is left; return how much that is."""
        whole = at // BLOCK * BLOCK
        self._put(buffer, whole)
        buffer[: at - whole] = buffer[whole:at]
        return at - whole

    def _copied(self, buffer: mmap.mmap, at: int, part: bytes | memoryview) -> int:
        """Copy a part into the buffer, which is written whenever it is full; return how much is in it."""
        done = 0
        with memoryview(part) as view:
            while done < len(view):
                if at == PIECE:
                    at = self._begun(buffer, at)
                piece = view[done : done + PIECE - at]
                buffer[at : at + len(piece)] = piece
                at, done = at + len(piece), done + len(piece)
        return at

    def _put(self, buffer: mmap.mmap, length: int) -> None:
        """Write so much of the buffer behind what is written."""
        end = self.size + length
        with memoryview(buffer) as whole:
            while self.size < end:
                with whole[length - (end - self.size) : length] as data:
                    try:
                        written = os.pwrite(self._handle, data, self.size)
                    except OSError as error:
                        # Not on this file system, or not at the odd place where a write before ended short.
                        if error.errno != errno.EINVAL or not self._turn(os.O_DIRECT, on=False):
                            raise
                        continue
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self.size += written

    def _turn(self, flag: int, *, on: bool) -> bool:
        """Set or clear a flag of the open file; tell whether it was otherwise before, and could be turned."""
        flags = fcntl.fcntl(self._handle, fcntl.F_GETFL)
        if bool(flags & flag) is on:
            return False
        with suppress(OSError):  # A file system that knows no other way than its own memory says so.
            fcntl.fcntl(self._handle, fcntl.F_SETFL, flags | flag if on else flags & ~flag)
            return True
        return False


def whole_blocks(length: int) -> int:
    """The length of as many blocks as so many bytes begin."""
    return -(-length // BLOCK) * BLOCK


def _taken() -> mmap.mmap:
    with _lock:
        return _spare.pop() if _spare else mmap.mmap(-1, PIECE)


def _given_back(buffer: mmap.mmap) -> None:
    with _lock:
        if len(_spare) < MOST_SPARE:
            _spare.append(buffer)
