"""What a keeper is shown of studies at their end: those in the trash, what destroying one does, and the certificates.

A keeper sees no studies. Nothing here is opened: all that is told are UIDs, dates, counts, and which epochs of keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts import gate
from accounts.actors import Actor
from accounts.errors import NotVisible
from accounts.models import Destroyed, Withdrawn
from archive import certificates, erasing, keys, removal
from archive.destruction import STEPS
from archive.models import Job, Study
from archive.removal import Trashed
from audit.actions import Action
from keystore import states
from keystore.states import Epoch
from vault.errors import Tampered

State = Literal["ready", "early", "held"]

MOST = 100
"""The most certificates of one page."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What destroying a study would take with it; `patient_too` says that it is the last study of its patient.

    The study can be opened from copies of the database until the epochs have ended there.
    """

    study: Trashed
    state: State
    series_count: int
    size: int
    patient_too: bool
    epochs: tuple[Epoch, ...]


@dataclass(frozen=True, slots=True)
class Certified:
    """A study that is no more, as a list tells of it."""

    id: UUID
    study_uid: str
    at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a certificate says, once its signature has been verified."""

    at: datetime
    by: str
    keys: int
    objects: int
    epochs: tuple[Epoch, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the steps after the transaction are done, and whether the next is under way.

    `waiting` is tried again by itself at `again_at`, `stopped` only once somebody asks for it.
    """

    done: int
    state: Literal["complete", "working", "waiting", "stopped"]
    again_at: datetime | None = None


def doomed(actor: Actor) -> tuple[Trashed, ...]:
    """All studies in the trash, those that may be destroyed first. Raises Forbidden."""
    gate.permit(actor, Action.DESTRUCTION_READ)
    return removal.listed(Withdrawn.objects.order_by("at", "study_uid"))


def ending(actor: Actor, study_uid: str) -> Ending:
    """What destroying one study of the trash would do. Raises Forbidden, or NotVisible for any other study."""
    gate.permit(actor, Action.DESTRUCTION_READ, subject=study_uid)
    study = Study.objects.select_related("patient").filter(uid=study_uid).first()
    trashed = removal.listed(Withdrawn.objects.filter(study_uid=study_uid))
    if study is None or not trashed:
        raise _missed(actor, study_uid)
    going = erasing.would_go(study)
    return Ending(
        trashed[0],
        state(trashed[0]),
        study.series_count,
        study.size,
        any(key.scope == keys.PATIENT for key in going),
        _epochs(key.epoch for key in going),
    )


def state(trashed: Trashed) -> State:
    """Whether a study in the trash may be destroyed now, not yet, or not as long as it is held."""
    if trashed.held:
        return "held"
    return "early" if timezone.now() < trashed.ends_at else "ready"


def certified(actor: Actor, before: UUID | None = None) -> tuple[Certified, ...]:
    """The studies that were destroyed, the latest first, at most `MOST`; those before a certificate if it is named.

    Raises Forbidden.
    """
    gate.permit(actor, Action.DESTRUCTION_READ)
    rows = Destroyed.objects.order_by("-created_at", "-id")
    last = Destroyed.objects.filter(id=before).first() if before else None
    if last is not None:
        earlier = Q(created_at=last.created_at, id__lt=last.id)
        rows = rows.filter(Q(created_at__lt=last.created_at) | earlier)
    return tuple(map(_certified, rows[:MOST]))


def certificate(actor: Actor, identifier: UUID) -> tuple[Certified, Statement | None, Progress]:
    """One destroyed study, what its certificate says (None if it does not verify), and how far its destruction is.

    Raises Forbidden, NotVisible.
    """
    row = _destroyed(actor, identifier)
    return _certified(row), _statement(row.note), _progress(row)


def progress(actor: Actor, identifier: UUID) -> Progress:
    """How far the destruction is that a certificate tells of. Raises Forbidden, NotVisible."""
    return _progress(_destroyed(actor, identifier))


def note(actor: Actor, identifier: UUID) -> str:
    """A certificate as it was signed. Raises Forbidden, NotVisible."""
    return _destroyed(actor, identifier).note


def _destroyed(actor: Actor, identifier: UUID) -> Destroyed:
    gate.permit(actor, Action.DESTRUCTION_READ, subject=f"certificate:{identifier}")
    row = Destroyed.objects.filter(id=identifier).first()
    if row is None:
        raise _missed(actor, "", {"subject": f"certificate:{identifier}"})
    return row


def _missed(actor: Actor, study_uid: str, details: dict[str, str] | None = None) -> NotVisible:
    """Record that something was asked for in vain; return the refusal."""
    try:
        gate.disclose(actor, Action.DESTRUCTION_READ, study_uid, found=False, details=details)
    except NotVisible as error:
        return error
    return NotVisible()


def _epochs(wanted: Iterable[UUID]) -> tuple[Epoch, ...]:
    ids = set(wanted)
    return tuple(one for one in states.epochs() if one.id in ids)


def _certified(row: Destroyed) -> Certified:
    return Certified(row.id, row.study_uid, row.created_at, row.completed_at)


def _statement(text: str) -> Statement | None:
    try:
        told = certificates.read(text)
    except Tampered:
        return None
    moment = datetime.fromtimestamp(told.at_us / 1_000_000, UTC)
    return Statement(moment, told.actor, len(told.keys), told.objects, _epochs(told.epochs))


def _progress(row: Destroyed) -> Progress:
    if row.completed_at is not None:
        return Progress(len(STEPS), "complete")
    job = Job.objects.filter(kind=certificates.JOB, subject=str(row.id)).order_by("-created_at").first()
    if job is None or job.state in ("done", "failed"):
        return Progress(job.done if job else 0, "stopped")
    waits = job.state == "due" and bool(job.error)
    return Progress(min(job.done, len(STEPS)), "waiting" if waits else "working", job.due_at if waits else None)
