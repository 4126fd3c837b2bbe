"""Files that hold secrets outside the data directory: mode 0400, written whole or not at all, in folders of 0700."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def closed_folder(folder: Path) -> None:
    """Make the folder, for its owner alone; one that exists keeps its mode, which the start checks judge."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only process that makes files in this closed folder, so that what belongs together is of one hand."""
    descriptor = os.open(folder / ".lock", os.O_RDONLY | os.O_CREAT, 0o400)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` with mode 0400; after a power cut there is the old file or the new one, whole."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
