"""The PIN of a token, and the rule that a PIN which a token refused is never tried again by itself.

Tokens lock after a few wrong PINs. A supervisor that restarts processes, or a machine that restarts containers, would
try again and again; so the refusal is noted in the data directory, and every process reads it before it tries. The
note tells which file the PIN came from and when that file last changed, never the PIN: whoever writes the file anew,
or touches it, has another try.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.conf import settings

from keystore.errors import RootKeyError
from keystore.roots import guarded
from keystore.roots.address import Address

NOTE: Final = "pin-refused"
SECONDS: Final = 10.0


class Refused(Exception):
    """The token did not take the PIN."""


@contextmanager
def turn(address: Address) -> Iterator[str]:
    """The PIN, for the one process at a time that signs in; raise ``Refused`` inside when the token does not take it.

    ``RootKeyError`` where the PIN cannot be read safely, or was refused before and is still the same file.
    """
    with _note() as note:
        stamp = _stamp(address)
        if os.pread(note, 128, 0) == stamp:
            raise RootKeyError(
                f"The token {address.token!r} refused the PIN in {address.pin}, so it is not tried again. "
                "Write the right one into that file; to try the same once more, touch the file."
            )
        try:
            yield _pin(address.pin)
        except Refused:
            os.pwrite(note, stamp, 0)
            os.fsync(note)
            raise RootKeyError(
                f"The token {address.token!r} refuses the PIN in {address.pin}. It is not tried again, because tokens "
                "lock; write the right one into that file."
            ) from None


@contextmanager
def _note() -> Iterator[int]:
    """The note, opened and locked: processes sign in one after another."""
    path = Path(settings.PACS_DATA_DIR) / NOTE
    try:
        note = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RootKeyError(f"PACS_DATA_DIR cannot be written ({error.strerror}: {path}).") from None
    try:
        until = time.monotonic() + SECONDS
        while True:
            try:
                fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RootKeyError("Another process has been signing in to the token for too long.") from None
                time.sleep(0.01)
        yield note
    finally:
        os.close(note)


def _stamp(address: Address) -> bytes:
    """Which token and which state of the PIN's file this is, as 64 hexadecimal digits."""
    try:
        found = address.pin.stat()
        state: tuple[int, ...] = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError:
        state = ()
    return sha256(repr((address.token, address.serial, str(address.module), state)).encode()).hexdigest().encode()


def _pin(path: Path) -> str:
    content = guarded.read(path, "PIN", f"There is no PIN in {path}; pin-source in PACS_KEK_URL must name its file.")
    try:
        pin = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        pin = ""
    if not pin or "\n" in pin or "\0" in pin or len(content) > guarded.LONGEST:
        raise RootKeyError(f"{path} holds no PIN: it must be one line.")
    return pin
