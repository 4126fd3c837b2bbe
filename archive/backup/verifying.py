"""Proving a backup without restoring it: every file authenticated, every key opened, every named object in its place.

What is read is sealed and stays so: rows are opened, cells and images are not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from uuid import UUID

from accounts import gate
from accounts.actors import Actor
from archive.backup import manifest, parts
from archive.backup.manifest import Manifest
from archive.backup.opening import Backup, open_backup
from archive.errors import Damaged, Unavailable, Unsuitable
from audit import elsewhere
from audit.actions import Action
from audit.elsewhere import Signed
from vault.errors import Tampered
from vault.objects import HEADER_SIZE, Header

Tell = Callable[[str, int, int], None]
_STORED = ("archive_instance", "archive_rendition", "archive_held")
_MOST = 1000


@dataclass(slots=True)
class Report:
    """What a verification read, and what is wrong: a line for each file, key, object or row of the record."""

    name: str = ""
    made_at: str = ""
    parts: int = 0
    rows: int = 0
    packs: int = 0
    bytes: int = 0
    keys: int = 0
    objects: int = 0
    events: int = 0
    faults: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, words: str) -> None:
        """Keep a fault; of very many, the first ones and their number."""
        if len(self.faults) < _MOST:
            self.faults.append(words)
        else:
            self.more += 1


def verify(actor: Actor, path: Path, keys_path: Path | None, name: str, seed: bytes | None, tell: Tell) -> Report:
    """Verify one backup, the newest for "", with the root of PACS_KEK_URL or the recovery key's seed.

    Raises Forbidden, LogUnavailable, Unsuitable, KeystoreError, Unavailable. Damage is in the report.
    """
    gate.permit(actor, Action.BACKUP_VERIFIED, subject=str(path))
    report = Report()
    try:
        backup = _opened(actor, path, keys_path, name, seed)
    except Damaged as error:
        report.add(str(error))
    else:
        report.name, report.made_at = backup.manifest.name, backup.manifest.made_at
        _examine(backup, report, tell)
    told = {"backup": report.name, "faults": len(report.faults) + report.more, "bytes": report.bytes}
    with gate.change(actor, Action.BACKUP_VERIFIED, subject=str(path), count=report.objects, details=told):
        pass
    return report


def backups(actor: Actor, path: Path, keys_path: Path | None) -> list[Manifest]:
    """The backups at a place that open with the root of PACS_KEK_URL, the oldest first. Raises as `verify` does."""
    gate.permit(actor, Action.BACKUP_VERIFIED, subject=str(path))
    newest = _opened(actor, path, keys_path, "", None)
    return [manifest.read(newest.folder, newest.keys.backup, name) for name in manifest.names(newest.folder)]


def _opened(actor: Actor, path: Path, keys_path: Path | None, name: str, seed: bytes | None) -> Backup:
    """The backup that is named; that there is none is on record before it is said."""
    try:
        return open_backup(path, keys_path, name, seed)
    except (Unavailable, Unsuitable):
        gate.missed(actor, Action.BACKUP_VERIFIED, subject=f"{path} {name}".strip())
        raise


def _examine(backup: Backup, report: Report, tell: Tell) -> None:
    for fault in backup.keys.faults():
        report.add(fault)
    report.keys = len(backup.keys.ids())
    if not all([_table(backup, table, report) for table in backup.manifest.tables]):
        return  # What the rows say cannot be compared with anything while some of them are missing.
    _packs(backup, report, tell)
    _objects(backup, report)
    _record(backup, report)


def _table(backup: Backup, table: str, report: Report) -> bool:
    """Open every part of a table and count its rows; False where one is damaged."""
    told, rows, whole = backup.manifest.tables[table], 0, True
    for part in told.parts:
        report.parts += 1
        try:
            rows += sum(1 for _ in backup.part(part))
        except Damaged as error:
            report.add(str(error) if str(error).startswith("parts/") else f"{parts.path_of(part)}: {error}")
            whole = False
    if whole and rows != told.rows:
        report.add(f"The table {table} has {rows} rows and should have {told.rows}.")
    report.rows += rows
    return whole


def _packs(backup: Backup, report: Report, tell: Tell) -> None:
    for number, pack in enumerate(backup.manifest.packs, 1):
        report.packs += 1
        try:
            report.bytes += sum(map(len, backup.pack(pack)))
        except Damaged as error:
            report.add(str(error))
        tell("packs", number, len(backup.manifest.packs))


def _objects(backup: Backup, report: Report) -> None:
    """Whether the object that each row names lies where it says, under a key that is there."""
    names = {row["id"]: row["name"] for row in backup.told("archive_pack")}
    keys, gone = backup.keys.ids(), set(backup.manifest.gone)
    alive = {row["id"] for row in backup.told("archive_study") if row["key_id"] in keys}
    for row in chain.from_iterable(backup.told(table) for table in _STORED):
        pack = names.get(row["pack_id"], "")
        if row["study_id"] not in alive or row["pack_id"] is None:
            continue  # Destroyed since, its key is not here any more; or it was released and nothing leads to it.
        report.objects += 1
        if pack in gone or pack not in backup.manifest.packs:
            report.add(f"The object {row['id']} lies in a pack that is not in the backup.")
        elif not _lies(backup, pack, row["offset"], row["length"], row["id"], row["key_id"]):
            report.add(f"The object {row['id']} does not lie where the index says, in {pack}.")


def _lies(backup: Backup, pack: str, offset: int, length: int, object_id: UUID, key_id: UUID) -> bool:
    runs = backup.manifest.packs[pack]
    if not runs or offset + length > runs[-1].start + runs[-1].length:
        return False
    try:
        header = Header.decode(backup.range(pack, offset, HEADER_SIZE))
    except (Tampered, Damaged):
        return False
    return (header.object_id, header.key_id) == (object_id, key_id)


def _record(backup: Backup, report: Report) -> None:
    """The chain and the signed frontiers of the record in the backup."""
    events, findings = elsewhere.check(backup.told("audit_event"), backup.told("audit_listed"), _signed(backup))
    report.events = events
    for finding in findings:
        report.add(f"The record, log {finding.log}: {finding.text}.")


def _signed(backup: Backup) -> Iterator[Signed]:
    for row in backup.told("audit_checkpoint"):
        yield Signed(row["log"], row["size"], row["note"], row["frontier"])
