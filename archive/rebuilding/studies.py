"""Whose folder it is, which keys open it, and what opens it, on record study by study."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts import gate, identify
from archive import keys
from archive.keys import KeyName
from archive.models import Study, StudyKey
from archive.openers import Opener
from audit.actions import Action
from audit.receipts import Receipt

SECONDS: Final = 30.0
MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Folder:
    """A study by its folder: its UID, its present key, and the keys under which what is stored may lie."""

    uid: str
    present: KeyName
    usable: frozenset[UUID]


def folder(owner: UUID) -> Folder | None:
    """The study in whose folder packs lie; None where its keys are gone, or it has none that seals."""
    rows = StudyKey.objects.filter(owner=owner, scope__in=(keys.STUDY, keys.LEAVING))
    found = {row.id: row for row in rows}
    present = next((row for row in found.values() if row.scope == keys.STUDY), None)
    if present is None or {row.subject for row in found.values()} != {present.subject}:
        return None
    return Folder(present.subject, KeyName(present.id, owner), frozenset(found))


@dataclass(slots=True)
class _Kept:
    receipt: Receipt
    opener: Opener
    at: float


class Openers:
    """What opens the studies that are worked on: a few dozen at a time, each for half a minute, then asked anew.

    `purpose` is what it is for, as the record says it.
    """

    def __init__(self, *, purpose: str) -> None:
        self._purpose = purpose
        self._kept: OrderedDict[UUID, _Kept] = OrderedDict()

    def of(self, where: Folder) -> Opener:
        """What opens a study. Raises NotVisible in the trash, Damaged where a key does not open, LogUnavailable."""
        owner, now = where.present.owner, time.monotonic()
        kept = self._kept.get(owner)
        if kept is None or now - kept.at > SECONDS:
            receipt = kept.receipt if kept is not None else _receipt(where.uid, self._purpose)
            kept = _Kept(receipt, keys.unlock(receipt, where.uid).silent(), now)
        self._kept[owner] = kept
        self._kept.move_to_end(owner)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return kept.opener


def _receipt(study_uid: str, purpose: str) -> Receipt:
    patient = Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()
    return gate.disclose(
        identify.system("tend"), Action.REBUILT, study_uid, found=True, patient=patient or "", purpose=purpose
    )
