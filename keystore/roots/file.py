"""The root key as a file: made once, whole, and read only where nobody else can reach it."""

import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from keystore.errors import RootKeyError
from keystore.roots import guarded
from vault.errors import Tampered
from vault.random import new_secret, subkey
from vault.wrap import unwrap, wrap

VERSION = "custos-root-1"


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


def open_file(path: Path, data_dir: Path) -> FileRoot:
    """The root key in ``path``; ``RootKeyError`` where it is missing, unsafe, beside the data, or no root key."""
    try:
        inside = path.resolve().is_relative_to(data_dir.resolve())
    except (OSError, RuntimeError):
        raise RootKeyError(f"The root key {path} cannot be read: its links lead in a circle, or nowhere.") from None
    if inside:
        raise RootKeyError(f"The root key {path} lies inside PACS_DATA_DIR; move it to another disk or folder.")
    missing = f"There is no root key in {path}; restore it, or name its place in PACS_KEK_URL."
    return FileRoot(path, _parse(path, guarded.read(path, "root key", missing)))


def _parse(path: Path, content: bytes) -> bytes:
    wrong = RootKeyError(f"{path} holds no root key: it must be one line, {VERSION} and the base64 of 32 bytes.")
    if len(content) > guarded.LONGEST:
        raise wrong
    version, _, encoded = content.removesuffix(b"\n").partition(b" ")
    try:
        secret = b64decode(encoded, validate=True)
    except NotBase64:
        raise wrong from None
    if version != VERSION.encode() or len(secret) != 32:
        raise wrong
    return secret
