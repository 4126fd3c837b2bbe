"""A backup place as a folder: files that appear whole and durable, or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from archive.disk import sync_folder
from archive.errors import Damaged, Unavailable

PIECE = 1 << 20
_UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one place. Errors of the disk are Unavailable; the text names the file, which tells nothing."""

    root: Path

    def require(self) -> None:
        """Return if the folder is there: one on a disk not mounted must not be made beside it. Raises Unavailable."""
        if not self.root.is_dir():
            raise Unavailable(f"The backup place {self.root} is not there. Mount it, or make the folder first.")

    def size(self, name: str) -> int | None:
        """The length of a file; None where there is none."""
        try:
            return (self.root / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unavailable(name, error) from None

    def read(self, name: str) -> bytes:
        """A whole file. Raises Damaged where it is not there, Unavailable where it cannot be read."""
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file in pieces, so that a large one is never held whole. Raises as `read` does."""
        try:
            with (self.root / name).open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except (FileNotFoundError, NotADirectoryError):
            raise Damaged(f"{name} is missing.") from None
        except OSError as error:
            raise _unavailable(name, error) from None

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Some bytes of a file, fewer where it ends. Raises as `read` does."""
        try:
            with (self.root / name).open("rb") as file:
                return os.pread(file.fileno(), length, offset)
        except (FileNotFoundError, NotADirectoryError):
            raise Damaged(f"{name} is missing.") from None
        except OSError as error:
            raise _unavailable(name, error) from None

    def write(self, name: str, pieces: Iterable[bytes]) -> tuple[int, str]:
        """Write a file under its name once it is whole and durable; return its length and SHA-256."""
        path = self.root / name
        aside = path.with_name(f"{token_hex(8)}{_UNFINISHED}")
        length, digest = 0, sha256()
        try:
            self._folders(path.parent)
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                    digest.update(piece)
                    length += len(piece)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
            sync_folder(path.parent)
        except OSError as error:
            raise _unavailable(name, error) from None
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        return length, digest.hexdigest()

    def replace(self, name: str, content: bytes) -> None:
        """Put another file in the place of one whose bytes are to be gone: they are overwritten, as far as a disk does.

        A copy of the folder, or a disk that writes elsewhere (snapshots, flash), may still have them.
        """
        path = self.root / name
        try:
            former = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self.write(name, [content])
            return
        except OSError as error:
            raise _unavailable(name, error) from None
        try:
            self.write(name, [content])
            os.pwrite(former, bytes(os.fstat(former).st_size), 0)
            os.fsync(former)
        except OSError as error:
            raise _unavailable(name, error) from None
        finally:
            os.close(former)

    def names(self, below: str) -> list[str]:
        """The names of the finished files in a folder and all below it, sorted."""
        try:
            found = [path for path in (self.root / below).rglob("*") if path.is_file()]
        except OSError as error:
            raise _unavailable(below, error) from None
        return sorted(str(path.relative_to(self.root)) for path in found if path.suffix != _UNFINISHED)

    def _folders(self, folder: Path) -> None:
        """Make a folder and those above it, closed to others and durable."""
        missing = [one for one in (folder, *folder.parents) if one.is_relative_to(self.root) and not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
            sync_folder(one.parent)


def _unavailable(name: str, error: OSError) -> Unavailable:
    return Unavailable(f"{name} in the backup place: {os.strerror(error.errno or 0)}.")
