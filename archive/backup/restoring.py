"""Bringing a backup into an empty installation: packs first, then everything else in one transaction.

Cut off anywhere it is given again: packs that are there already are compared and kept, and the database is empty until
the transaction commits. What was destroyed since the backup does not come back: its keys are not in the key part, and
certificates at the anchors are replayed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts import epoch
from accounts.actors import Actor
from accounts.models import Person
from archive import certificates, erasing, stores
from archive.backup import loading, snapshot
from archive.backup.keypart import KeyPart
from archive.backup.opening import Backup
from archive.errors import Damaged, PackMissing, Unavailable, Unsuitable
from archive.keeping import recalling
from archive.models import Job, Patient, Study, StudyKey
from audit import log, openings, tables
from audit.actions import Action, Outcome
from audit.events import Event
from keystore import carrying, checks, roots, rotation
from keystore import keys as keystore
from keystore.opening import using

Tell = Callable[[str, int, int], None]
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back; of log `kept_log` the rows behind `kept_rows` are lost, as far as an anchor knows.

    `left_out` studies were destroyed since the backup and are not brought; `rekeyed` ones were given another key since
    and are to be rekeyed again.
    """

    name: str
    made_at: str
    packs: int
    rows: int
    studies: int
    left_out: int
    rekeyed: tuple[str, ...]
    destroyed_again: int
    log: int
    kept_log: int
    kept_rows: int
    anchored_rows: int


def require_empty() -> None:
    """Return if nothing was ever kept in this database. Raises Unsuitable."""
    if checks.keys_kept() or Study.objects.exists() or Person.objects.exists() or tables.head() is not None:
        raise Unsuitable("This installation is not empty. Restore into a data directory and database of its own.")


def restore(actor: Actor, backup: Backup, seed: bytes | None, tell: Tell) -> Restored:
    """Restore an opened backup; with the recovery key's `seed` all keys pass to the root of PACS_KEK_URL.

    Its permission is that of the shell: there is no record yet to write a refusal into. Raises Unsuitable where the
    installation is not empty or of another version, Damaged where the backup is, Unavailable where packs or anchors
    cannot be reached; then nothing is restored but packs, which the next attempt uses.
    """
    require_empty()
    _require_version(backup)
    _packs(backup, tell)
    keystore.forget()
    with transaction.atomic(durable=True):
        rows = _load(backup, tell)
        _keys(backup.keys, seed)
        left_out, names = _leave_out()
        rekeyed = recalling.recall()
        # What a worker had claimed there nobody works on here.
        Job.objects.filter(state="claimed").update(state="due", claimed_by="", claimed_until=None)
        epoch.raise_()
        head = tables.head() or (0, 0, b"", 0)
        told = {"backup": backup.manifest.name, "made_at": backup.manifest.made_at}
        number, known = openings.next_log(actor.who, told)
        event = Event(
            Action.BACKUP_RESTORED,
            Outcome.OK,
            actor.who,
            count=rows,
            details={**told, "left_out": left_out, "rekeyed": rekeyed},
        )
        log.append([event])
    keystore.forget()
    erasing.files(names)
    return Restored(
        name=backup.manifest.name,
        made_at=backup.manifest.made_at,
        packs=len(backup.manifest.packs),
        rows=rows,
        studies=Study.objects.count(),
        left_out=left_out,
        rekeyed=tuple(rekeyed),
        destroyed_again=certificates.replay(),
        log=number,
        kept_log=head[0],
        kept_rows=head[1],
        anchored_rows=max((one.rows for one in known if one.log == head[0]), default=0),
    )


def restore_keys(actor: Actor, keys: KeyPart, seed: bytes | None) -> int:
    """Restore the keys of a key part alone, for an archive whose packs survived: `archive check --rebuild` makes the
    rest of its index anew. Returns how many keys of studies and patients there are. Raises as `restore` does.
    """
    require_empty()
    keystore.forget()
    with transaction.atomic(durable=True):
        loading.insert(keys.study_keys)
        _keys(keys, seed)
        told = {"keys": len(keys.study_keys)}
        openings.next_log(actor.who, told)
        log.append([Event(Action.BACKUP_RESTORED, Outcome.OK, actor.who, count=len(keys.study_keys), details=told)])
    keystore.forget()
    return len(keys.study_keys)


def _require_version(backup: Backup) -> None:
    here = snapshot.schema()
    if backup.manifest.schema != here:
        told = ", ".join(f"{app} {name}" for app, name in sorted(backup.manifest.schema.items()))
        raise Unsuitable(
            f"This backup was made by another version of the program (its tables: {told}). Restore it with that "
            "version, then bring the restored archive up to this one."
        )


def _packs(backup: Backup, tell: Tell) -> None:
    """Bring every pack to where packs are kept. Raises Unsuitable where something else is there."""
    store, wanted = stores.store(), backup.manifest.packs
    foreign = next((one.name for one in store.lying() if one.name not in wanted), None)
    if foreign is not None:
        raise Unsuitable(f"Where packs are kept lies one that is not of this backup: {foreign}.")
    for number, name in enumerate(wanted, 1):
        if not _is_there(backup, name):
            _bring(backup, store, name)
        tell("packs", number, len(wanted))


def _is_there(backup: Backup, name: str) -> bool:
    """Whether a pack is there already, byte for byte. One that a crash cut off goes, to be brought anew.

    Raises Unsuitable for any other: it may be in use by another archive.
    """
    try:
        source = stores.store().open(name)
        try:
            same, cut = _compared(backup.pack(name), source)
        finally:
            source.close()
    except PackMissing:
        return False
    if not same and not cut:
        raise Unsuitable(f"Where packs are kept lies another one under a name of this backup: {name}.")
    if cut:
        stores.store().remove(name)
    return same


def _compared(pieces: Iterable[bytes], source: stores.Source) -> tuple[bool, bool]:
    """Whether a pack is the same, and whether it is the beginning of the same."""
    at = 0
    for piece in pieces:
        lying = source.read(at, len(piece))
        at += len(lying)
        if lying != piece:
            return False, piece.startswith(lying) and not source.read(at, 1)
    return not source.read(at, 1), False


def _bring(backup: Backup, store: stores.Store, name: str) -> None:
    try:
        if not store.has_room(sum(one.length for one in backup.manifest.packs[name])):
            raise Unavailable("There is not enough room for the packs of this backup.")
        sink = store.copied(name)
        try:
            for piece in backup.pack(name):
                sink.write(piece)
            sink.flush()
        finally:
            sink.close()
    except Damaged:
        store.remove(name)
        raise
    except OSError as error:
        raise Unavailable(f"A pack could not be written ({type(error).__name__}).") from None


def _load(backup: Backup, tell: Tell) -> int:
    loading.clear()
    rows, all_of_them = 0, backup.manifest.tables
    for number, table in enumerate(all_of_them, 1):
        rows += sum(loading.insert(some) for some in backup.rows(table))
        tell("tables", number, len(all_of_them))
    loading.insert(backup.keys.study_keys)
    loading.settle_sequences()
    return rows


def _keys(keys: KeyPart, seed: bytes | None) -> None:
    carrying.put(keys.carried.told)
    if seed is not None:
        root = roots.from_url(settings.PACS_KEK_URL)
        with using(root):
            rotation.recover(seed, root)


def _leave_out() -> tuple[int, list[str]]:
    """Remove the rows of studies and patients whose keys are gone, since they were destroyed after the backup.

    Returns how many studies, and the names of their packs.
    """
    keys = StudyKey.objects.values("id")
    lost = list(Study.objects.exclude(key__in=keys).values_list("key_id", flat=True))
    patients = list(Patient.objects.exclude(key__in=keys).values_list("key_id", flat=True))
    names = list[str]()
    for start in range(0, len(lost), _AT_ONCE):
        names += erasing.rows(lost[start : start + _AT_ONCE])
    for start in range(0, len(patients), _AT_ONCE):
        erasing.rows(patients[start : start + _AT_ONCE])
    return len(lost), names
