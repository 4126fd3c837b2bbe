"""Where packs lie: the contract of a store, and the local disk. A bucket (`archive.s3`) is the other kind.

A name is `ab/<study row id>/<writer>-<number>`: no UID and nothing of a patient reaches the file system.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from archive import locks, space
from archive.direct import DirectSink
from archive.disk import DiskSink, DiskSource, Part, sync_folder
from archive.errors import Damaged, PackMissing

if TYPE_CHECKING:
    from archive.s3 import Bucket

NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}/[0-9a-f]{16}-[0-9]{6}")
_FOLDER = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Lying:
    """A pack as the place where it lies tells of it."""

    name: str
    size: int
    changed_at: datetime


class Sink(Protocol):
    """One pack being written, by one process, front to end."""

    size: int
    step: int
    """What is written at a time is filled up to a multiple of so many bytes."""

    once: bool
    """Whether nothing may follow the first flush, since what was flushed is one immutable object."""

    def removed(self) -> bool:
        """Tell whether somebody took the pack away, so that whatever follows would be lost."""

    def write(self, *parts: Part) -> None:
        """Append all of the parts. After an OSError the sink is useless."""

    def flush(self) -> None:
        """Return once everything written would survive a power cut."""

    def close(self) -> None:
        """Give up what it holds open."""


class Source(Protocol):
    """One pack being read."""

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`: fewer only at the end. Raises Damaged, Unavailable or OSError."""

    def close(self) -> None:
        """Give up what it holds open."""


class Store(Protocol):
    """A place for packs."""

    def create(self, name: str) -> Sink:
        """Begin a new pack; that it exists is durable with its first flush.

        A name that is taken is refused here or by the flush. Raises OSError, and Damaged for what is no pack's name.
        """

    def copied(self, name: str) -> Sink:
        """As `create`, for a pack that is brought from elsewhere, byte for byte: nothing of it is filled up."""

    def open(self, name: str) -> Source:
        """Open a pack for reading. Where it is not there, this or the first read raises Damaged."""

    def has_room(self, wanted: int) -> bool:
        """Tell whether `wanted` more bytes may be stored without touching what the log needs."""

    def lying(self) -> Iterator[Lying]:
        """Every pack there and nothing else, in no order; perhaps what comes or goes meanwhile. Raises as `empty`."""

    def empty(self) -> bool:
        """Tell whether nothing at all is there, as on a disk that is not mounted. Raises Unavailable or OSError."""

    def remove(self, name: str) -> None:
        """Remove a pack for good; one that is not there is as good as removed. Raises Unavailable or OSError."""


_buckets: "dict[tuple[str, str, str, Path], Bucket]" = {}
_lock = Lock()


def store() -> Store:
    """The store that PACS_BLOB_URL names. Raises Unavailable where it names none."""
    if not settings.PACS_BLOB_URL.startswith("s3:"):
        return _disk(settings.PACS_BLOB_URL)
    from archive.s3 import Bucket  # The library behind it is large, and only a bucket needs it.

    told = (settings.PACS_BLOB_URL, settings.PACS_S3_ENDPOINT, settings.PACS_S3_REGION, settings.PACS_DATA_DIR)
    with _lock:
        if told not in _buckets:
            _buckets[told] = Bucket(*told)
        return _buckets[told]


def on_disk() -> bool:
    """Tell whether packs are files, which grow and are flushed in a moment; a bucket takes whole ones only."""
    return isinstance(store(), Disk)


@lru_cache(maxsize=4)
def _disk(url: str) -> "Disk":
    return Disk(Path(urlsplit(url).path))


def forget() -> None:
    """Give up the connections to buckets; the next need makes new ones."""
    with _lock:
        while _buckets:
            _buckets.popitem()[1].close()


def _disown() -> None:
    """A forked child must not speak on its parent's connections."""
    global _lock
    _lock = Lock()
    _buckets.clear()


os.register_at_fork(after_in_child=_disown)


def pack_name(study_row: UUID, writer: str, number: int) -> str:
    """The name of a writer's n-th pack of one study. Folders fan out over 256, so that none grows too large."""
    return f"{study_row.hex[:2]}/{study_row.hex}/{writer}-{number:06}"


class Disk:
    """Packs as files, readable by this account alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(self, name: str) -> DirectSink:
        return DirectSink(*self._new(name, 0))

    def copied(self, name: str) -> DiskSink:
        return self.growing(name)

    def growing(self, name: str) -> DiskSink:
        """As `create`, for a pack that is written over a long time, and whose begin is amended at its end."""
        return DiskSink(*self._new(name, os.O_APPEND))

    def _new(self, name: str, how: int) -> tuple[int, list[Path]]:
        """A new file, and the folders whose entries lead to it."""
        path = Path(self._named(name))
        try:
            handle = self._begin(path, how)
        except FileNotFoundError:
            handle = self._begin(path, how)  # A sweep took the empty folder away this moment.
        # A folder that was there already may be another process's, which has not made it durable yet.
        return handle, [path.parent, path.parent.parent, self.root, self.root.parent]

    def _begin(self, path: Path, how: int) -> int:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (path.parent, path.parent.parent, self.root):
            # mkdir gives intermediate folders the default mode.
            folder.chmod(0o700)
        return locks.held(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | how, 0o600))

    def open(self, name: str) -> DiskSource:
        try:
            return DiskSource(os.open(self._named(name), os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            raise PackMissing("A pack is missing.") from None

    def has_room(self, wanted: int) -> bool:
        return space.disk_has_room(self.root, wanted)

    def lying(self) -> Iterator[Lying]:
        for path in self.root.glob("*/*/*.pack"):
            name = str(path.relative_to(self.root)).removesuffix(".pack")
            # One that was removed while its folder was being read is not there.
            with suppress(PackMissing):
                if NAME.fullmatch(name):
                    yield self.told(name)

    def told(self, name: str) -> Lying:
        """One pack as it lies there. Raises PackMissing."""
        try:
            found = Path(self._named(name)).stat()
        except FileNotFoundError:
            raise PackMissing("A pack is missing.") from None
        return Lying(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def empty(self) -> bool:
        return not (self.root.is_dir() and any(self.root.iterdir()))

    def is_written(self, name: str) -> bool:
        """Tell whether a process that lives writes to this pack. Raises PackMissing."""
        return locks.is_held(Path(self._named(name)))

    def prune(self, before: datetime) -> int:
        """Remove the folders of studies that have been empty since; return how many."""
        gone = 0
        for folder in self.root.glob("*/*"):
            # A writer may begin a pack in it this moment, or somebody else remove it.
            with suppress(OSError):
                told = folder.stat()
                if _FOLDER.fullmatch(folder.name) and datetime.fromtimestamp(told.st_mtime, UTC) < before:
                    folder.rmdir()
                    gone += 1
        return gone

    def remove(self, name: str) -> None:
        path = Path(self._named(name))
        with suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)

    def _named(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise Damaged("A pack has a name that no pack has.")
        return f"{self.root}/{name}.pack"
