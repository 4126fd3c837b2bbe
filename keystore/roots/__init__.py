"""Root key providers: whoever holds the root wraps and unwraps the epoch keys, by a mechanism of its own.

A provider is one small class with the four members of ``Root``. ``PACS_KEK_URL`` names it: ``file:`` is a file,
``pkcs11:`` a key inside a hardware security module (or a token of software that speaks like one).
"""

import os
import sys
from pathlib import Path
from threading import Lock
from typing import Protocol
from uuid import UUID

from django.conf import settings

from keystore.errors import RootKeyError
from keystore.roots.address import parse
from keystore.roots.file import VERSION, FileRoot, create_file, open_file

__all__ = ["VERSION", "FileRoot", "Root", "create", "create_file", "forget", "from_url", "present"]

_lock = Lock()
_roots: dict[tuple[str, Path], "Root"] = {}


class Root(Protocol):
    """Something that keeps one root key and never gives it away."""

    @property
    def id(self) -> UUID:
        """Which root key this is; stored with every epoch key it wraps."""

    def wrap(self, key_id: UUID, secret: bytes) -> bytes:
        """Wrap the 32-byte key ``key_id``."""

    def unwrap(self, key_id: UUID, wrapped: bytes) -> bytes:
        """The 32-byte key inside; ``RootKeyError`` when this root did not wrap it."""

    def describe(self) -> str:
        """Where the root is, in words an operator understands."""


def from_url(url: str) -> Root:
    """The provider that ``PACS_KEK_URL`` names, opened once and kept; ``RootKeyError`` says what is wrong with it."""
    known = (url, Path(settings.PACS_DATA_DIR))
    with _lock:
        if known not in _roots:
            _roots[known] = _opened(url, known[1])
        return _roots[known]


def present(url: str) -> bool:
    """Whether there is anything where ``url`` says; ``RootKeyError`` when that cannot be told, as without its token."""
    path = _path(url)
    if path is not None:
        return os.path.lexists(path)
    from keystore.roots.pkcs11 import there

    return there(parse(url))


def create(url: str) -> str:
    """Draw a new root key where ``url`` says and tell where it is; ``RootKeyError`` when there is one already."""
    path = _path(url)
    if path is not None:
        create_file(path)
        return f"file {path}"
    from keystore.roots.pkcs11 import create_key

    return create_key(parse(url)).describe()


def forget() -> None:
    """Drop every opened root and leave its token; the next use reads the root, or signs in, again."""
    with _lock:
        _roots.clear()
        if "keystore.roots.modules" in sys.modules:
            from keystore.roots.modules import leave

            leave()


def _opened(url: str, data_dir: Path) -> Root:
    path = _path(url)
    if path is not None:
        return open_file(path, data_dir)
    # Its library takes a fifth of a second to load, which no process pays that keeps its root in a file.
    from keystore.roots.pkcs11 import open_key

    return open_key(parse(url))


def _path(url: str) -> Path | None:
    """The file that a ``file:`` URL names, None for a ``pkcs11:`` URL; ``RootKeyError`` for any other."""
    scheme, _, rest = url.partition(":")
    if scheme == "pkcs11" and rest:
        return None
    if scheme != "file" or not rest:
        raise RootKeyError(
            "PACS_KEK_URL must start with file: and name the root key file, or with pkcs11: and name a key in a token."
        )
    return Path(rest.removeprefix("//") if rest.startswith("///") else rest)


def _disown() -> None:
    """A forked child may have inherited the lock from a thread that it has not."""
    global _lock
    _lock = Lock()


os.register_at_fork(after_in_child=_disown)
