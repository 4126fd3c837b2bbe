"""A backup opened where it lies: its keys, its manifest, and what each of its files holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from archive.backup import keypart, manifest, parts
from archive.backup.folder import Folder
from archive.backup.keypart import KeyPart
from archive.backup.loading import Rows
from archive.backup.manifest import Manifest
from archive.errors import Damaged


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup at one place."""

    folder: Folder
    keys: KeyPart
    manifest: Manifest

    def rows(self, table: str) -> Iterator[Rows]:
        """The rows of a table, part by part. Raises Damaged, with the part's file."""
        for part in self.manifest.tables[table].parts:
            yield self.part(part)

    def told(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table, one by one, by the names of their columns. Raises Damaged."""
        for rows in self.rows(table):
            yield from rows.told()

    def part(self, part: UUID) -> Rows:
        """One part of rows. Raises Damaged, with its file."""
        path = parts.path_of(part)
        try:
            return Rows(parts.open_rows(self.keys.backup, part, self.folder.read(path)))
        except Damaged as error:
            raise Damaged(f"{path}: {error}") from None

    def pack(self, name: str) -> Iterator[bytes]:
        """The bytes of a pack in pieces; each run of them is whole once its last piece was given. Raises Damaged."""
        for one in self.manifest.packs[name]:
            path, digest, length = manifest.segment_path(name, one.start), sha256(), 0
            for piece in self.folder.pieces(path):
                digest.update(piece)
                length += len(piece)
                yield piece
            if (length, digest.hexdigest()) != (one.length, one.sha256):
                raise Damaged(f"{path}: It was changed or cut.")

    def range(self, pack: str, offset: int, length: int) -> bytes:
        """Some bytes of a pack, which `pack` alone proves to be right. Raises Damaged, Unavailable."""
        found = b""
        for one in self.manifest.packs[pack]:
            start, end = max(offset, one.start), min(offset + length, one.start + one.length)
            if start < end:
                path = manifest.segment_path(pack, one.start)
                found += self.folder.range(path, start - one.start, end - start)
        return found


def open_backup(path: Path, keys_path: Path | None, name: str, seed: bytes | None = None) -> Backup:
    """Open a backup by name (the newest for "") with the root of PACS_KEK_URL, or with the recovery key's seed.

    Raises Damaged, Unsuitable where there is none, KeystoreError where neither opens it, Unavailable.
    """
    folder, keys_folder = Folder(path), Folder(keys_path or path)
    folder.require()
    keys_folder.require()
    keys = keypart.read(keys_folder, seed)
    found = manifest.chosen(folder, keys.backup, name)
    if found.installation != keys.carried.installation:
        raise Damaged("The keys and the backup are of different installations.")
    return Backup(folder, keys, found)
