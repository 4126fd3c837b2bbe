"""Marking what is damaged and telling people once; taking the mark away when the object verifies again."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from archive.columns import cell_name
from archive.models import Finding, Held, Instance
from audit import alerts

ALERT = "damaged"
INSTANCE = "instance"
QUARANTINED = "quarantined"
FRAME_TABLE = cell_name("instance", "frame_table_cell")
HEAD = "head"
"""The head around an object, which a rebuild of the index needs; the object itself is whole and is handed out."""

WITHHOLDS = frozenset({INSTANCE, FRAME_TABLE})
"""Parts of an instance without which nothing of it is handed out."""

FOLLOWED = WITHHOLDS | {QUARANTINED, HEAD}
"""Parts that every scrub reads again, so that their findings end when they verify."""


def found(object_id: UUID, what: str, error: str, expected: str = "", got: str = "") -> bool:
    """Mark a damaged object; False when this was known. One alert tells of it, however often it is found again."""
    now = timezone.now()
    says = {"error": error[:200], "expected": expected, "found": got, "last_at": now}
    with transaction.atomic():
        known = Finding.objects.filter(object_id=object_id, mended_at=None).exists()
        one, new = Finding.objects.get_or_create(
            object_id=object_id, what=what, mended_at=None, defaults={**says, "found_at": now}
        )
        if not new:
            Finding.objects.filter(id=one.id).update(**says)
        if what in WITHHOLDS:
            Instance.objects.filter(id=object_id, damaged_at=None).update(damaged_at=now)
        if new and not known:
            alerts.raise_(ALERT, str(object_id), f"A stored object ({what}) is damaged: {error}")
    return new


def replaced(object_id: UUID, what: str, error: str) -> None:
    """Note that something derived was damaged and is made again: its row is gone, so nobody will find it again."""
    now = timezone.now()
    with transaction.atomic():
        Finding.objects.create(
            object_id=object_id, what=what, error=error[:200], found_at=now, last_at=now, mended_at=now
        )
        alerts.raise_(ALERT, str(object_id), f"A derived object ({what}) was damaged and is made again: {error}")


def verified(object_id: UUID, parts: Iterable[str]) -> bool:
    """End the findings on these parts of an object, its mark and its alert once none is left; False for none ended."""
    now, by = timezone.now(), "system:tend"
    with transaction.atomic():
        left = Finding.objects.filter(object_id=object_id, mended_at=None)
        ended = left.filter(what__in=list(parts)).update(mended_at=now)
        still = set(left.values_list("what", flat=True))
        if not still & WITHHOLDS and set(parts) >= WITHHOLDS:
            ended += Instance.objects.filter(id=object_id).exclude(damaged_at=None).update(damaged_at=None)
        if ended and not still:
            alerts.settle(ALERT, str(object_id), by)
    return bool(ended)


def forget_removed() -> None:
    """End the findings on objects that are in the index no more, with their alerts: there is nothing left to mend."""
    left = Finding.objects.filter(mended_at=None)
    left = left.exclude(object_id__in=Instance.objects.values("id")).exclude(object_id__in=Held.objects.values("id"))
    for object_id in set(left.values_list("object_id", flat=True)):
        verified(object_id, FOLLOWED)


def marked(object_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the objects that something is held against."""
    wanted = list(object_ids)
    known = Finding.objects.filter(object_id__in=wanted, mended_at=None).values_list("object_id", flat=True)
    return {*known, *Instance.objects.filter(id__in=wanted).exclude(damaged_at=None).values_list("id", flat=True)}
