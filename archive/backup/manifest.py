"""What one backup consists of: parts of rows, lengths of packs, and the state of the record then. Kept sealed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from archive.backup import parts
from archive.backup.folder import Folder
from archive.errors import Damaged, Unsuitable
from keystore.memory import Key

VERSION = 1
FOLDER = "backups"


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of bytes of a pack, from where the one before it ends; its file carries the pack's name and `start`."""

    start: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: how many rows it has, and the parts that hold them, in order."""

    rows: int
    parts: list[UUID]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. `schema` names the last migration of each app, `log` is (log, rows) of the record in it; `gone` are
    packs of studies that were destroyed while it was made."""

    name: str
    installation: UUID
    made_at: str
    schema: dict[str, str]
    log: tuple[int, int]
    tables: dict[str, Table]
    packs: dict[str, list[Segment]]
    gone: list[str] = field(default_factory=list)
    version: int = VERSION

    @property
    def size(self) -> int:
        """Bytes of packs in it."""
        return sum(one.length for segments in self.packs.values() for one in segments)


def segment_path(pack: str, start: int) -> str:
    """Where a run of bytes of a pack lies in its place."""
    return f"packs/{pack}.{start}"


def path_of(name: str) -> str:
    """Where the manifest of a backup lies."""
    return f"{FOLDER}/{name}"


def names(folder: Folder) -> list[str]:
    """The names of the backups at a place, the oldest first: they are numbered, since clocks may step back."""
    return sorted(path.removeprefix(f"{FOLDER}/") for path in folder.names(FOLDER))


def next_name(folder: Folder, now: datetime) -> str:
    """The name of the next backup at a place: its number there, and the time (UTC) for people."""
    numbers = [int(number) for name in names(folder) if (number := name.partition("-")[0]).isdecimal()]
    return f"{max(numbers, default=0) + 1:06}-{now:%Y%m%dT%H%M%SZ}"


def write(folder: Folder, key: Key, one: Manifest) -> int:
    """Put a manifest at its place, which completes the backup; return its length."""
    sealed = parts.seal_named(key, parts.MANIFEST, one.name.encode(), orjson.dumps(asdict(one)))
    return folder.write(path_of(one.name), [sealed])[0]


def read(folder: Folder, key: Key, name: str) -> Manifest:
    """A manifest. Raises Damaged, with its file's name, when it does not open."""
    try:
        told = orjson.loads(parts.open_named(key, parts.MANIFEST, name.encode(), folder.read(path_of(name))))
        return _decoded(told)
    except Damaged as error:
        raise Damaged(f"{path_of(name)}: {error}") from None
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{path_of(name)}: It is in a form that this version does not know.") from None


def newest(folder: Folder, key: Key) -> Manifest | None:
    """The newest manifest that opens; None where there is none."""
    for name in reversed(names(folder)):
        try:
            return read(folder, key, name)
        except Damaged:
            continue
    return None


def chosen(folder: Folder, key: Key, name: str) -> Manifest:
    """The backup of this name, the newest one for "". Raises Unsuitable where there is none, Damaged."""
    found = names(folder)
    if not found or (name and name not in found):
        raise Unsuitable("There is no such backup at this place." if found else "There is no backup at this place.")
    return read(folder, key, name or found[-1])


def _decoded(told: dict[str, Any]) -> Manifest:
    if told["version"] != VERSION:
        raise ValueError("another version")
    tables = {name: Table(one["rows"], list(map(UUID, one["parts"]))) for name, one in told.pop("tables").items()}
    packs = {name: [Segment(**one) for one in runs] for name, runs in told.pop("packs").items()}
    log, installation = tuple(told.pop("log")), UUID(told.pop("installation"))
    return Manifest(**told, log=log, installation=installation, tables=tables, packs=packs)


def parts_of(one: Manifest) -> Iterator[UUID]:
    """Every part of rows that a backup consists of."""
    for table in one.tables.values():
        yield from table.parts
