"""What is left of a study when it is destroyed, and how each part of it goes. Decides nothing and records nothing."""

import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseFault
from django.db import connection
from django.db.models import Q

from accounts.models import Access, Grant, Hold, PhysicianLink, SharedLink, Withdrawn
from archive import disk, keys, stores
from archive.errors import Unavailable
from archive.models import Instance, Pack, Patient, Phrase, Series, Study, StudyKey

STUDY_KEYS = ("archive_studykey",)
EPOCH_KEYS = ("keystore_epochkey", "keystore_installationkey", "keystore_installation")
TRIES = 40
_BETWEEN_TRIES = 0.25
_LOCK_MS = 10_000
_WAIT_MS = 100


def keys_of(study: Study) -> list[StudyKey]:
    """The keys that go with a study: all it ever had, and its patient's when no other study of the patient is left.

    Locks the patient until the transaction ends, so that no new study of theirs comes between.
    """
    Patient.objects.select_for_update().get(id=study.patient_id)
    return would_go(study)


def would_go(study: Study) -> list[StudyKey]:
    """The same as `keys_of`, as it stands at this moment: nothing is locked."""
    ids = set(keys.of_studies([study.uid]).values_list("id", flat=True))
    if not Study.objects.filter(patient=study.patient_id).exclude(id=study.id).exists():
        ids.add(study.patient.key_id)
    return list(StudyKey.objects.filter(id__in=ids).order_by("-scope", "created_at"))


def rows(key_ids: Iterable[UUID]) -> list[str]:
    """Delete keys and all rows of what they sealed, inside the caller's transaction; return the names of the packs.

    A patient's key stays as long as a study of the patient does.
    """
    wanted, names = set(key_ids), list[str]()
    for study in Study.objects.select_for_update(of=("self",)).filter(key_id__in=wanted):
        names += _study(study)
    for patient in Patient.objects.select_for_update().filter(key_id__in=wanted):
        if patient.studies.exists():
            wanted.discard(patient.key_id)
        else:
            patient.delete()
    StudyKey.objects.filter(id__in=wanted).delete()
    return names


def _study(study: Study) -> list[str]:
    series = Series.objects.filter(study=study)
    phrases = {study.description_id, study.referring_id}
    phrases |= {one for pair in series.values_list("description_id", "performing_id") for one in pair}
    names = sorted(Pack.objects.filter(study=study.id).values_list("name", flat=True))
    for table in (Access, Grant, SharedLink, Withdrawn, Hold):
        table.objects.filter(study_uid=study.uid).delete()
    row_id = study.id
    study.delete()  # which takes the id from the object, too
    Pack.objects.filter(study=row_id).delete()
    spoken = {one for one in phrases if one is not None}
    _phrases(spoken)
    return names


def _phrases(ids: set[UUID]) -> None:
    """Delete those spellings that no other study uses: nobody else ever said them."""
    ids -= {one for one in Study.objects.filter(description__in=ids).values_list("description_id", flat=True) if one}
    ids -= {one for one in Study.objects.filter(referring__in=ids).values_list("referring_id", flat=True) if one}
    ids -= {one for one in Series.objects.filter(description__in=ids).values_list("description_id", flat=True) if one}
    ids -= {one for one in Series.objects.filter(performing__in=ids).values_list("performing_id", flat=True) if one}
    # Whoever linked a spelling to a person meant every study that will say it.
    for link in PhysicianLink.objects.filter(Q(referring__in=ids) | Q(performing__in=ids)):
        ids -= {link.referring, link.performing}
    Phrase.objects.filter(id__in=ids).delete()


def digests(study: Study) -> list[tuple[str, str]]:
    """The id of each object of a study and the SHA-256 of its plain file, empty where it was never read back."""
    found = Instance.objects.filter(study=study).order_by("id").values_list("id", "sha256")
    return [(str(row), sha256) for row, sha256 in found]


def files(names: Iterable[str]) -> None:
    """Remove packs, and on a disk whatever else lies in their folders. May be repeated. Raises Unavailable."""
    store, wanted = stores.store(), list(names)
    try:
        if isinstance(store, stores.Disk):
            for folder in sorted({(store.root / name).parent for name in wanted if stores.NAME.fullmatch(name)}):
                _empty(folder)
            return
        for name in wanted:
            store.remove(name)
    except OSError as error:
        raise Unavailable(f"A pack could not be removed: {os.strerror(error.errno or 0)}.") from None


def _empty(folder: Path) -> None:
    if not folder.exists():
        return
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()
    disk.sync_folder(folder.parent)


def journals(tables: Iterable[str] = STUDY_KEYS) -> None:
    """Return once no page of these tables and no journal of an embedded database holds a key that is gone from them.

    SQLite overwrites what is deleted or replaced, and its write-ahead log is emptied here. On Postgres the tables are
    written anew without it; its write-ahead log is beyond us (docs/OPERATIONS.md). May be repeated. Raises Unavailable.
    """
    if connection.vendor == "sqlite":
        _checkpointed()
        return
    for table in tables:
        _anew(table)


def _anew(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass", [table]
        )
        if not cursor.fetchone()[0]:
            raise Unavailable(f"Only the owner of the tables may write the key table anew: VACUUM FULL {table}")
        cursor.execute("SET lock_timeout = %s", [_LOCK_MS])
        try:
            _rewritten(cursor, table)
        except DatabaseFault:
            raise Unavailable("The key table is in use and could not be written anew.") from None
        finally:
            cursor.execute("RESET lock_timeout")


def _rewritten(cursor: Any, table: str) -> None:
    """Write the key table anew until no deleted row went along for the sake of somebody's older snapshot."""
    for _ in range(TRIES):
        notices = connection.connection.notices
        notices.clear()
        cursor.execute(f"VACUUM (FULL, VERBOSE) {table}")
        # … "TABLE": found N removable, N nonremovable row versions in N pages … N dead row versions cannot …
        counts = [re.findall("[0-9]+", notice.rpartition('"')[2]) for notice in notices]
        if [found[3] for found in counts if len(found) > 3] == ["0"]:
            return
        time.sleep(_BETWEEN_TRIES)
    raise Unavailable("Long readers keep deleted keys in the key table.")


def _checkpointed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        patience = cursor.fetchone()[0]
        # Whoever waits for readers here keeps writers out: short waits, and turns for the others between them.
        cursor.execute(f"PRAGMA busy_timeout = {_WAIT_MS:d}")
        try:
            for _ in range(TRIES):
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                if not cursor.fetchone()[0]:
                    return
                time.sleep(_BETWEEN_TRIES)
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience:d}")
    raise Unavailable("Long readers keep the write-ahead log from being emptied.")
