"""A pack written past the kernel's memory, in whole blocks (O_DIRECT): what is sealed once is read back from the disk.

Appending through the kernel's memory copies each object into fresh pages, which are thrown away once they are flushed.
That costs more than the disk does. The last block of the file is filled up with zeros, which are cut off at once, and
written again with what follows; zeros that a crash has left are no record (docs/FORMAT.md).
"""

import errno
import fcntl
import mmap
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from archive.disk import DiskSink

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

    def __init__(self, handle: int, folders: list[Path]) -> None:
        super().__init__(handle, folders)
        self._tail = b""  # what the last block holds
        self._turn(os.O_DIRECT, on=True)

    def write(self, *parts: bytes) -> None:
        buffer = _taken()
        try:
            self._fill(buffer, parts)
        finally:
            _given_back(buffer)

    def flush(self) -> None:
        os.fdatasync(self._handle)
        self._sync_folders()

    def _fill(self, buffer: mmap.mmap, parts: tuple[bytes, ...]) -> None:
        """Write the last block's bytes again and all parts behind them, a buffer full at a time."""
        start, at = self.size - len(self._tail), len(self._tail)
        buffer[:at] = self._tail
        for part in parts:
            done = 0
            with memoryview(part) as view:
                while done < len(view):
                    piece = view[done : done + PIECE - at]
                    buffer[at : at + len(piece)] = piece
                    at, done = at + len(piece), done + len(piece)
                    if at == PIECE:
                        self._put(buffer, PIECE, start)
                        start, at = start + PIECE, 0
        end = -(-at // BLOCK) * BLOCK
        buffer[at:end] = bytes(end - at)
        if end:
            self._put(buffer, end, start)
        if end > at:
            os.ftruncate(self._handle, start + at)
        self._tail = buffer[at // BLOCK * BLOCK : at]
        self.size = start + at

    def _put(self, buffer: mmap.mmap, length: int, offset: int) -> None:
        done = 0
        with memoryview(buffer) as whole:
            while done < length:
                with whole[done:length] as data:
                    try:
                        written = os.pwrite(self._handle, data, offset + done)
                    except OSError as error:
                        # Not on this file system, or not at the odd place where a write before ended short.
                        if error.errno != errno.EINVAL or not self._turn(os.O_DIRECT, on=False):
                            raise
                        continue
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                done += written

    def _turn(self, flag: int, *, on: bool) -> bool:
        """Set or clear a flag of the open file; tell whether it was otherwise before, and could be turned."""
        flags = fcntl.fcntl(self._handle, fcntl.F_GETFL)
        if bool(flags & flag) is on:
            return False
        with suppress(OSError):  # A file system that knows no other way than its own memory says so.
            fcntl.fcntl(self._handle, fcntl.F_SETFL, flags | flag if on else flags & ~flag)
            return True
        return False


def _taken() -> mmap.mmap:
    with _lock:
        return _spare.pop() if _spare else mmap.mmap(-1, PIECE)


def _given_back(buffer: mmap.mmap) -> None:
    with _lock:
        if len(_spare) < MOST_SPARE:
            _spare.append(buffer)
