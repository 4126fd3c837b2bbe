"""What every process does before it holds a key: leave no core file, open its memory to nobody, die with its parent."""

import ctypes
import os
import resource
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_GET_DUMPABLE: Final = 3
PR_SET_DUMPABLE: Final = 4
MANY_FILES: Final = 65536
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3


def _prctl(option: int, value: int = 0) -> int:
    """Call prctl(2) where there is one; -1 elsewhere."""
    if not sys.platform.startswith("linux"):
        return -1
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))


def harden() -> None:
    """Forbid core dumps, also those piped to a collector, attaching by other processes, and files others can read."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_DUMPABLE, 0)


def hardened() -> bool:
    """Return whether this process can leave no core file."""
    return resource.getrlimit(resource.RLIMIT_CORE)[0] == 0 and _prctl(PR_GET_DUMPABLE) <= 0


def open_many_files() -> None:
    """Raise the limit of open files to what many connections need, or as far as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if most == resource.RLIM_INFINITY else min(most, MANY_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def keep_freed_memory(most: int) -> None:
    """Let the C library keep up to so many freed bytes, where it can be told: else the system clears memory anew for
    each image that arrives."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, most // 4)
        library.mallopt(M_TRIM_THRESHOLD, most)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends; end at once where the parent is already gone."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
