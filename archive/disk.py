"""Files of packs: one being written, one being read, and the folders that lead to them."""

import os
from contextlib import suppress
from fcntl import F_GETFL, F_SETFL, fcntl
from pathlib import Path
from typing import Final

from vault.objects import Sealing

Part = bytes | Sealing
"""What is written into a pack: as it is, or sealed as it is written."""

MOST_PARTS: Final = 512  # written at once; the kernel takes 1,024 (IOV_MAX)


class DiskSink:
    """A pack file open for appending."""

    step = 1

    def __init__(self, handle: int, folders: list[Path]) -> None:
        self.size = 0
        self.once = False
        self._flushed = 0
        self._handle = handle
        self._folders = folders  # whose entries lead to this file

    def removed(self) -> bool:
        return os.fstat(self._handle).st_nlink == 0

    def write(self, *parts: Part) -> None:
        rest = [memoryview(bytes(part)) for part in parts]
        while rest:
            written = os.writev(self._handle, rest[:MOST_PARTS])
            self.size += written
            while rest and written >= len(rest[0]):
                written -= len(rest.pop(0))
            if rest and written:
                rest[0] = rest[0][written:]

    def amend(self, offset: int, data: bytes) -> None:
        """Write over bytes that were appended before. Raises OSError."""
        # Where a file is open for appending, Linux appends whatever offset it is told.
        fcntl(self._handle, F_SETFL, fcntl(self._handle, F_GETFL) & ~os.O_APPEND)
        while data:
            written = os.pwrite(self._handle, data, offset)
            data, offset = data[written:], offset + written

    def flush(self) -> None:
        os.fdatasync(self._handle)
        self._sync_folders()
        # Who reads it back then reads what the disk holds, and a long intake pushes nothing else out of memory.
        with suppress(OSError):  # It is only advice.
            os.posix_fadvise(self._handle, self._flushed, self.size - self._flushed, os.POSIX_FADV_DONTNEED)
        self._flushed = self.size

    def _sync_folders(self) -> None:
        """Make durable that the file is there at all, once."""
        while self._folders:
            sync_folder(self._folders[0])
            self._folders.pop(0)

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._handle)


class DiskSource:
    """A pack file open for reading, by several threads at once."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._handle, length, offset)

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._handle)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable: without it a power cut may take away a file whose bytes were synced."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
