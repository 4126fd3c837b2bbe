"""The registered backup places: where keys must be replaced when they are to be closed."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from archive.backup import keypart
from archive.backup.folder import Folder
from archive.errors import Unavailable, Unsuitable
from archive.models import BackupPlace
from audit import alerts
from audit.actions import Action


@dataclass(frozen=True, slots=True)
class Registered:
    """A place as a list tells of it."""

    path: str
    keys_path: str
    last_at: datetime | None
    keys_at: datetime | None


@dataclass(frozen=True, slots=True)
class Replaced:
    """Where the key part was replaced, and where it could not be: `missed` places still hold the former keys."""

    reached: tuple[str, ...]
    missed: tuple[str, ...]


def registered(actor: Actor) -> tuple[Registered, ...]:
    """Every place. Raises Forbidden."""
    gate.permit(actor, Action.BACKUP_CREATED, subject="places")
    rows = BackupPlace.objects.order_by("path")
    return tuple(Registered(row.path, row.keys_path, row.last_at, row.keys_at) for row in rows)


def register(actor: Actor, path: Path, keys_path: Path | None) -> BackupPlace:
    """The row of a place, made on record where it is new. Raises Forbidden, Unsuitable, Unavailable for none there."""
    found, keys = _checked(path), _checked(keys_path or path)
    row = BackupPlace.objects.filter(path=str(found)).first()
    if row is not None and (keys_path is None or row.keys_path == str(keys)):
        return row
    with gate.change(actor, Action.BACKUP_CREATED, subject=str(found), details={"keys": str(keys)}):
        made = {"keys_path": str(keys)}
        row, _ = BackupPlace.objects.update_or_create(
            path=str(found), defaults=made, create_defaults={**made, "registered_at": timezone.now()}
        )
    return row


def forget(actor: Actor, path: Path) -> None:
    """Take a place off the list: its keys are not replaced any more. Raises Forbidden, Unsuitable for none such."""
    if not BackupPlace.objects.filter(path=str(path)).exists():
        gate.missed(actor, Action.BACKUP_CREATED, subject=str(path))
        raise Unsuitable(f"{path} is no registered backup place.")
    with gate.change(actor, Action.BACKUP_CREATED, subject=str(path), details={"forgotten": True}):
        BackupPlace.objects.filter(path=str(path)).delete()


def replace_keys(actor: Actor) -> Replaced:
    """Replace the key part of every registered place by one with the keys of now, on record.

    A place that cannot be reached is told, to people by an alert too: what its keys open stays open there. Raises
    Forbidden, LogUnavailable.
    """
    gate.permit(actor, Action.KEY_CHANGED, subject="backups")
    reached, missed = list[str](), list[str]()
    for row in BackupPlace.objects.order_by("path"):
        try:
            renew(row)
            reached.append(row.keys_path)
        except Unavailable as error:
            missed.append(row.keys_path)
            words = f"The keys in this backup place could not be replaced; what they open stays open there. {error}"
            alerts.raise_("backup", row.keys_path[:150], words)
    if reached or missed:
        told = {"reached": reached, "missed": missed}
        with gate.change(actor, Action.KEY_CHANGED, subject="backups", count=len(reached), details=told):
            pass
    return Replaced(tuple(reached), tuple(missed))


def renew(row: BackupPlace) -> int:
    """Replace the key part of one place; return its length. Raises Unavailable."""
    folder = Folder(Path(row.keys_path))
    folder.require()
    length = keypart.write(folder)
    BackupPlace.objects.filter(id=row.id).update(keys_at=timezone.now())
    return length


def _checked(path: Path) -> Path:
    """A folder outside the data. Raises Unsuitable, Unavailable."""
    if not path.is_absolute():
        raise Unsuitable("Name a backup place by its whole path, from the first slash.")
    if path.resolve().is_relative_to(Path(settings.PACS_DATA_DIR).resolve()):
        raise Unsuitable("A backup place lies outside PACS_DATA_DIR, and best on another machine.")
    Folder(path).require()
    return path
