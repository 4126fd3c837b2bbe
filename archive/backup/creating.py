"""Making a backup: the database at one moment, the packs that it names, the keys of now, and last the manifest.

Until the manifest is there the backup is not; what an interrupted one brought to its place is used by the next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from archive.backup import copying, manifest, parts, places, sections, snapshot
from archive.backup.folder import Folder
from archive.backup.manifest import Manifest, Segment, Table
from archive.errors import Damaged
from archive.models import BackupPlace
from archive.turn import tending
from audit import tables as audit_tables
from audit.actions import Action
from keystore import keys as keystore
from keystore.memory import Key

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup: its name, the bytes that were written for it and the bytes that it stands for, rows and packs in it."""

    name: str
    written: int
    size: int
    rows: int
    packs: int
    parts: int
    new_parts: int


@dataclass(slots=True)
class _Count:
    written: int = 0
    size: int = 0
    parts: int = 0
    new_parts: int = 0


def create(actor: Actor, path: Path, keys_path: Path | None, tell: Tell) -> Made:
    """Make a backup at a place, which is registered by that; `tell` hears what is done of how much.

    Raises Forbidden, LogUnavailable, Unsuitable for a path that is none, Unavailable where the place cannot be written,
    the packs are away or another care of the packs is under way.
    """
    gate.permit(actor, Action.BACKUP_CREATED, subject=str(path))
    place = places.register(actor, path, keys_path)
    folder, key, count = Folder(Path(place.path)), keystore.installation_key("backup"), _Count()
    with tending():
        before = manifest.newest(folder, key)
        with snapshot.consistent():
            tables = _tables(folder, key, count, tell)
            wanted, schema, head = copying.wanted(), snapshot.schema(), audit_tables.head()
        packs, gone = _packs(folder, wanted, before.packs if before else {}, count, tell)
        # The keys come last and are those of now, so that what was destroyed meanwhile does not open here either.
        count.written += places.renew(place)
        now = timezone.now()
        made = Manifest(
            name=manifest.next_name(folder, now),
            installation=keystore.installation_uuid(),
            made_at=now.isoformat(),
            schema=schema,
            log=(head[0], head[1]) if head else (0, 0),
            tables=tables,
            packs=packs,
            gone=gone,
        )
        count.written += manifest.write(folder, key, made)
    return _finished(actor, place, made, count)


def _tables(folder: Folder, key: Key, count: _Count, tell: Tell) -> dict[str, Table]:
    """Bring every table to the place, part by part; a part that is there already is used again."""
    all_of_them, found = sections.sections(), dict[str, Table]()
    for number, section in enumerate(all_of_them):
        rows, ids = 0, []
        for plain, lines in sections.parts(section):
            ids.append(part := parts.name_of(key, plain))
            rows += lines
            length = _there(folder, key, part)
            if length is None:
                length = folder.write(parts.path_of(part), [parts.seal_rows(key, part, plain)])[0]
                count.written, count.new_parts = count.written + length, count.new_parts + 1
            count.parts, count.size = count.parts + 1, count.size + length
        found[section.table] = Table(rows, ids)
        tell("tables", number + 1, len(all_of_them))
    return found


def _there(folder: Folder, key: Key, part: UUID) -> int | None:
    """The length of a part that is at the place and opens; one that is damaged is written anew."""
    try:
        sealed = folder.read(parts.path_of(part))
        parts.open_rows(key, part, sealed)
    except Damaged:
        return None
    return len(sealed)


def _packs(
    folder: Folder, wanted: dict[str, int], had: dict[str, list[Segment]], count: _Count, tell: Tell
) -> tuple[dict[str, list[Segment]], list[str]]:
    """Bring what is new of every pack to the place; return the runs of each, and the packs that were destroyed."""
    found, gone = dict[str, list[Segment]](), list[str]()
    for number, (name, end) in enumerate(wanted.items()):
        before = had.get(name, [])
        runs = copying.copy(folder, name, end, before)
        if runs is None:
            gone.append(name)
            continue
        found[name] = runs
        count.written += sum(one.length for one in runs if one not in before)
        count.size += sum(one.length for one in runs)
        tell("packs", number + 1, len(wanted))
    return found, gone


def _finished(actor: Actor, place: BackupPlace, made: Manifest, count: _Count) -> Made:
    rows = sum(table.rows for table in made.tables.values())
    told = {"backup": made.name, "written": count.written, "size": count.size, "packs": len(made.packs)}
    with gate.change(actor, Action.BACKUP_CREATED, subject=place.path, count=rows, details=told):
        BackupPlace.objects.filter(id=place.id).update(last_at=timezone.now(), last_name=made.name)
    return Made(made.name, count.written, count.size, rows, len(made.packs), count.parts, count.new_parts)
