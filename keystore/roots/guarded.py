"""Files that hold a secret: read only where nobody but their owner can reach them."""

import os
import stat
from pathlib import Path

from keystore.errors import RootKeyError

LONGEST = 256


def read(path: Path, what: str, missing: str) -> bytes:
    """The file's bytes (one more than ``LONGEST`` at most), if nobody but its owner can reach it.

    What is checked is the file that was opened. ``RootKeyError`` calls the secret ``what`` (as in "root key"), and
    says ``missing`` where there is no such file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RootKeyError(missing) from None
    except OSError as error:
        raise RootKeyError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    try:
        _guard(path, what, os.fstat(descriptor))
        return os.read(descriptor, LONGEST + 1)
    except OSError as error:
        raise RootKeyError(f"The {what} {path} cannot be read: {error.strerror}.") from None
    finally:
        os.close(descriptor)


def _guard(path: Path, what: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise RootKeyError(f"The {what} {path} is not a file.")
    if found.st_mode & 0o077:
        raise RootKeyError(f"Others than its owner can reach the {what} {path}; run chmod 0400 on it.")
    if found.st_uid not in (os.geteuid(), 0):
        raise RootKeyError(f"The {what} {path} belongs to another user; it must belong to this one or to root.")
