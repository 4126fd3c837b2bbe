"""Handlers of background work on a series that got something new: its preview, its metadata, its digests.

Each may run again at any time and changes nothing then. What they open is on record as the work of the job `derive`.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import gate, identify, scope
from archive import keys, renditions, statements
from archive.errors import Damaged, Unsuitable
from archive.models import Instance, Series
from archive.openers import Opener
from archive.retrieve import documents, objects, pictures, places
from archive.retrieve.places import Place
from audit.actions import Action
from vault.objects import Kind

Progress = Callable[[int, int], None]

WRITTEN_TOGETHER: Final = 64
"""Objects whose digests are written in one transaction: each of its own would keep senders waiting for their turn."""


def preview(subject: str, progress: Progress) -> None:
    """Make the small picture of the middle image of a series, where it is not there yet."""
    series, found = _found(subject)
    images = [place for place in found if place.frames]
    if series is None or not images:
        return
    place = pictures.middle(images)
    if renditions.of_instance(place.id, renditions.PREVIEW) is not None:
        return
    try:
        data = pictures.drawn(_opener(place, 1), place, 0, pictures.SMALL)
    except (Unsuitable, Damaged):
        return  # What cannot be shown has no preview; who asks for it is told why.
    renditions.keep(
        data,
        Kind.PREVIEW,
        renditions.PREVIEW,
        study_row=series.study_id,
        series_row=series.id,
        instance_row=place.id,
        uids=(place.study_uid, place.series_uid, place.uid),
    )
    progress(1, 1)


def metadata(subject: str, progress: Progress) -> None:
    """Keep the metadata of a series ready-made, unless what is kept covers what there is."""
    series, found = _found(subject)
    if series is None or not found:
        return
    opener = _opener(found[0], len(found))
    if documents.ready(opener, found) is not None:
        return
    data = documents.packed(opener, found)
    renditions.keep(
        data,
        Kind.METADATA,
        renditions.METADATA,
        study_row=series.study_id,
        series_row=series.id,
        uids=(found[0].study_uid, found[0].series_uid, ""),
        covers=len(found),
    )
    progress(len(found), len(found))


def digest(subject: str, progress: Progress) -> None:
    """Read back every object of a series that was not read back yet, verify it to its end, and record its SHA-256."""
    _, found = _found(subject)
    waiting = set(Instance.objects.filter(series=UUID(subject), verified_at=None).values_list("id", flat=True))
    left = [place for place in found if place.id in waiting]
    if not left:
        return
    opener, read = _opener(left[0], len(left)), dict[UUID, str]()
    for number, place in enumerate(left, 1):
        # What is damaged is marked and people are told; the others are read all the same.
        with suppress(Damaged):
            read[place.id] = _sha256(opener, place)
        if len(read) == WRITTEN_TOGETHER or number == len(left):
            _verified(read)
            read.clear()
        progress(number, len(left))


def _verified(read: dict[UUID, str]) -> None:
    with transaction.atomic():
        statements.verified(read, timezone.now())


def _sha256(opener: Opener, place: Place) -> str:
    if place.size <= objects.AT_ONCE:
        return hashlib.sha256(places.whole(opener, place)).hexdigest()
    value = hashlib.sha256()
    for piece in objects.as_received(opener, place):
        value.update(piece)
    return value.hexdigest()


def _found(subject: str) -> tuple[Series | None, list[Place]]:
    """The series and its current instances; nothing where it was removed or trashed meanwhile."""
    rows = Series.objects.select_related("study").filter(id=UUID(subject))
    series = scope.limit(rows, identify.system("derive"), "study__uid").first()
    return series, places.find(series.study.uid, series.uid) if series is not None else []


def _opener(place: Place, count: int) -> Opener:
    """What opens the study, against a receipt for exactly this work."""
    actor = identify.system("derive")
    receipt = gate.disclose(
        actor, Action.DERIVED, place.study_uid, found=True, patient=place.patient, count=count, purpose="derive"
    )
    return keys.unlock(receipt, place.study_uid)
