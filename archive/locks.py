"""Who writes to a pack holds a lock on its file, which the system lets go when that process ends, however it does."""

import fcntl
import os
from pathlib import Path

from archive.errors import PackMissing


def held(handle: int) -> int:
    """Hold the lock of an open file that nobody else has, until it is closed; return the file."""
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def is_held(path: Path) -> bool:
    """Tell whether a process that lives holds the lock of a file. Raises PackMissing."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PackMissing("A pack is missing.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
