"""Files that their process holds locked for as long as it lives: who can take the lock has found a dead one's."""

import fcntl
import os
from pathlib import Path


def make(path: Path) -> int:
    """Make a file, locked before anybody can see it; returns its descriptor. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hidden = path.with_suffix(".new")
    descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    hidden.rename(path)
    return descriptor


def claim(path: Path) -> int | None:
    """Take over the file of a process that is dead; None where it lives, or somebody else was quicker."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever was quicker may be done with it and have unlinked it while we waited to look.
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None
