"""Root key providers: whoever holds the root wraps and unwraps the epoch keys, by a mechanism of its own.

A provider is one small class with the four members of ``Root``. ``PACS_KEK_URL`` names it; ``file:`` is built in.
"""

import os
import stat
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol
from uuid import UUID, uuid4

from django.conf import settings

from keystore.errors import RootKeyError
from vault.errors import Tampered
from vault.random import new_secret, subkey
from vault.wrap import unwrap, wrap

VERSION = "custos-root-1"
_LONGEST_FILE = 256

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


@dataclass(frozen=True, slots=True)
class FileRoot:
    """A root key read from a file. Wrapped keys are sealed objects of kind 6 (``docs/FORMAT.md``)."""

    path: Path
    secret: bytes = field(repr=False)

    @property
    def id(self) -> UUID:
        """The first 16 bytes of a key derived from the root, so that the file alone tells which root it is."""
        return UUID(bytes=subkey(self.secret, "custos/root-id/v1")[:16])

    def wrap(self, key_id: UUID, secret: bytes) -> bytes:
        """Wrap the 32-byte key ``key_id``."""
        return wrap(self.secret, self.id, key_id, secret)

    def unwrap(self, key_id: UUID, wrapped: bytes) -> bytes:
        """The 32-byte key inside; ``RootKeyError`` when this root did not wrap it."""
        try:
            return unwrap(self.secret, self.id, key_id, wrapped)
        except Tampered:
            raise RootKeyError(f"The root key in {self.path} does not open a key of this installation.") from None

    def describe(self) -> str:
        """Where the root is."""
        return f"file {self.path}"


def from_url(url: str) -> Root:
    """The provider that ``PACS_KEK_URL`` names, opened once and kept; ``RootKeyError`` says what is wrong with it."""
    known = (url, Path(settings.PACS_DATA_DIR))
    with _lock:
        if known not in _roots:
            scheme, _, rest = url.partition(":")
            if scheme != "file" or not rest:
                raise RootKeyError("PACS_KEK_URL must start with file: and name the root key file.")
            path = Path(rest.removeprefix("//") if rest.startswith("///") else rest)
            _roots[known] = _file_root(path, known[1])
        return _roots[known]


def forget() -> None:
    """Drop every opened root; the next use reads it again."""
    with _lock:
        _roots.clear()


def create_file(path: Path) -> None:
    """Make a new root key file (mode 0400, its folder 0700), whole and durable when this returns.

    ``RootKeyError`` when there is one already: a root key is never overwritten. A crash on the way leaves no half file
    under that name, because the finished file is linked to it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{VERSION} {b64encode(new_secret()).decode()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise RootKeyError(f"There is already a root key in {path}; it is never overwritten.") from None
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _file_root(path: Path, data_dir: Path) -> FileRoot:
    if path.resolve().is_relative_to(data_dir.resolve()):
        raise RootKeyError(f"The root key {path} lies inside PACS_DATA_DIR; move it to another disk or folder.")
    return FileRoot(path, _parse(path, _read_guarded(path)))


def _read_guarded(path: Path) -> bytes:
    """The file's bytes, if nobody but its owner can reach it; what is checked is the file that was opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise RootKeyError(f"There is no root key in {path}; restore it, or name its place in PACS_KEK_URL.") from None
    except OSError as error:
        raise RootKeyError(f"The root key {path} cannot be read: {error.strerror}.") from None
    try:
        _guard(path, os.fstat(descriptor))
        return os.read(descriptor, _LONGEST_FILE + 1)
    finally:
        os.close(descriptor)


def _guard(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise RootKeyError(f"The root key {path} is not a file.")
    if found.st_mode & 0o077:
        raise RootKeyError(f"Others than its owner can reach the root key {path}; run chmod 0400 on it.")
    if found.st_uid not in (os.geteuid(), 0):
        raise RootKeyError(f"The root key {path} belongs to another user; it must belong to this one or to root.")


def _parse(path: Path, content: bytes) -> bytes:
    wrong = RootKeyError(f"{path} holds no root key: it must be one line, {VERSION} and the base64 of 32 bytes.")
    if len(content) > _LONGEST_FILE:
        raise wrong
    version, _, encoded = content.removesuffix(b"\n").partition(b" ")
    try:
        secret = b64decode(encoded, validate=True)
    except NotBase64:
        raise wrong from None
    if version != VERSION.encode() or len(secret) != 32:
        raise wrong
    return secret
