"""All search tokens made anew at the present level of PACS_SEARCH, patient by patient, then the dictionary.

A pass survives being killed: its row says behind which patient and phrase it goes on, committed with their tokens.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from archive import tokens
from archive.errors import Unavailable
from archive.models import Patient, Phrase, Reindexing, Study
from archive.tending import retokening
from archive.tending.retokening import Done
from audit.actions import Action

MOST_STUDIES: Final = 10
MOST_PHRASES: Final = 200

Tell = Callable[[Reindexing, int], None]


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a pass did, from its beginning on, and which cells did not open since the command was given."""

    row: Reindexing
    damaged: tuple[str, ...]


def run(actor: Actor, *, tell: Tell = lambda _now, _total: None) -> Reindexed:
    """Begin a pass at the present level, or go on with the unfinished one, and end it.

    `tell` hears how far it is and how many rows there are. Raises Forbidden, LogUnavailable, and Unavailable where
    another process goes on with the same pass.
    """
    gate.permit(actor, Action.REINDEXED)
    now, damaged = _begun(), list[str]()
    total = Patient.objects.count() + Phrase.objects.count()
    for ids in _patients(now.patient):
        done = retokening.of_patients(ids, lambda done, now=now, last=ids[-1]: _advance(now, done, patient=last))  # type: ignore[misc]
        now, damaged = Reindexing.objects.get(id=now.id), damaged + done.damaged
        tell(now, total)
    for ids in _phrases(now.phrase):
        done = retokening.of_phrases(ids, lambda done, now=now, last=ids[-1]: _advance(now, done, phrase=last))  # type: ignore[misc]
        now, damaged = Reindexing.objects.get(id=now.id), damaged + done.damaged
        tell(now, total)
    _finish(actor, now)
    return Reindexed(now, tuple(damaged))


def _begun() -> Reindexing:
    """The unfinished pass of this level. One of another level is of no use any more."""
    with transaction.atomic():
        Reindexing.objects.filter(finished_at=None).exclude(level=tokens.level()).delete()
        started = {"started_at": timezone.now()}
        return Reindexing.objects.get_or_create(level=tokens.level(), finished_at=None, defaults=started)[0]


def _patients(behind: UUID | None) -> Iterator[list[UUID]]:
    """Patients behind one, as many at a time as have a handful of studies, asked for batch by batch."""
    while batch := _some_patients(behind):
        yield batch
        behind = batch[-1]


def _some_patients(behind: UUID | None) -> list[UUID]:
    rows = Patient.objects.filter(id__gt=behind) if behind else Patient.objects.all()
    batch, studies = list[UUID](), 0
    for patient in rows.order_by("id").values_list("id", flat=True)[:MOST_STUDIES]:
        studies += Study.objects.filter(patient=patient).count()
        if batch and studies > MOST_STUDIES:
            break
        batch.append(patient)
    return batch


def _phrases(behind: UUID | None) -> Iterator[list[UUID]]:
    while batch := _some_phrases(behind):
        yield batch
        behind = batch[-1]


def _some_phrases(behind: UUID | None) -> list[UUID]:
    rows = Phrase.objects.filter(id__gt=behind) if behind else Phrase.objects.all()
    return list(rows.order_by("id").values_list("id", flat=True)[:MOST_PHRASES])


def _advance(now: Reindexing, done: Done, **place: Any) -> None:
    """Move the pass behind what was done, in the transaction that did it. Raises Unavailable where another is there."""
    ours = Reindexing.objects.filter(id=now.id, patient=now.patient, phrase=now.phrase, finished_at=None)
    moved = ours.update(
        **place,
        patients=now.patients + done.patients,
        studies=now.studies + done.studies,
        phrases=now.phrases + done.phrases,
        trashed=now.trashed + done.trashed,
        damaged=now.damaged + len(done.damaged),
    )
    if not moved:
        raise Unavailable("Another process goes on with this pass.")


def _finish(actor: Actor, now: Reindexing) -> None:
    told = {
        "pass": str(now.id),
        "level": now.level,
        "patients": now.patients,
        "phrases": now.phrases,
        "trashed": now.trashed,
        "damaged": now.damaged,
    }
    with gate.change(actor, Action.REINDEXED, count=now.studies, details=told):
        if not Reindexing.objects.filter(id=now.id, finished_at=None).update(finished_at=timezone.now()):
            raise Unavailable("Another process has ended this pass.")
