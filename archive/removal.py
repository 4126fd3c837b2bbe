"""Taking studies out of sight and back: trash, restore, legal hold, release. Destroying them is `archive.destruction`.

Each is one transaction through the gate, with its event. A study in the trash is to every door as if it were unknown;
what arrives for it is kept with it. Raising the access epoch ends streams and leases that run within two seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import epoch, gate, scope
from accounts.actors import Actor
from accounts.models import Hold, Withdrawn
from archive import index, jobs
from archive.errors import Unsuitable
from archive.jobs import Work
from archive.models import Held, Series, Study
from audit.actions import Action

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Trashed:
    """A study in the trash, without anything that is sealed: what a list of the trash may say."""

    uid: str
    at: datetime
    by: str
    ends_at: datetime
    held: bool
    instance_count: int


def trash(actor: Actor, study_uid: str) -> datetime:
    """Hide a study from everybody; return from when on it may be destroyed.

    Raises Forbidden, NotVisible, or Unsuitable when it is in the trash already.
    """
    now = timezone.now()
    with _change(actor, Action.TRASHED, study_uid):
        _locked(study_uid)
        row = Withdrawn(study_uid=study_uid, at=now, by=actor.name[:150])
        if scope.withdrawn(study_uid):
            raise Unsuitable("The study is in the trash already.")
        row.save(force_insert=True)
        epoch.raise_()
    return _end(now)


def restore(actor: Actor, study_uid: str) -> None:
    """Show a study again to whom it was shown before. Raises Forbidden, NotVisible, or Unsuitable if not trashed."""
    with _change(actor, Action.RESTORED, study_uid):
        _locked(study_uid)
        if not Withdrawn.objects.filter(study_uid=study_uid).delete()[0]:
            raise Unsuitable("The study is not in the trash.")
        epoch.raise_()
        _promise_again(study_uid)


def hold(actor: Actor, study_uid: str, reason: str) -> None:
    """Keep a study from being destroyed until it is released; the reason goes on record, sealed.

    Raises Forbidden, NotVisible, or Unsuitable without a reason and for a study that is held already.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise Unsuitable(f"A hold has a reason of at most {LONGEST_REASON} letters.")
    with _change(actor, Action.HOLD, study_uid, {"reason": reason}):
        _locked(study_uid)
        if Hold.objects.filter(study_uid=study_uid).exists():
            raise Unsuitable("The study is held already.")
        Hold.objects.create(study_uid=study_uid, at=timezone.now(), by=actor.name[:150])


def release(actor: Actor, study_uid: str) -> None:
    """End a legal hold. Raises Forbidden, NotVisible, or Unsuitable when there is none."""
    with _change(actor, Action.RELEASED, study_uid):
        _locked(study_uid)
        if not Hold.objects.filter(study_uid=study_uid).delete()[0]:
            raise Unsuitable("The study is not held.")


def trashed(actor: Actor) -> tuple[Trashed, ...]:
    """The studies in the trash that this actor could restore, the latest first. Raises Forbidden."""
    gate.permit(actor, Action.RESTORED)
    rows = Withdrawn.objects.order_by("-at", "study_uid")
    if actor.kind != "shell":
        rows = rows.filter(Exists(scope.applying(actor).filter(study_uid=OuterRef("study_uid"))))
    return listed(rows)


def listed(rows: "QuerySet[Withdrawn]") -> tuple[Trashed, ...]:
    """These studies of the trash, in their order."""
    uids = [row.study_uid for row in rows]
    held = set(Hold.objects.filter(study_uid__in=uids).values_list("study_uid", flat=True))
    counts = dict(Study.objects.filter(uid__in=uids).values_list("uid", "instance_count"))
    return tuple(
        Trashed(row.study_uid, row.at, row.by, _end(row.at), row.study_uid in held, counts.get(row.study_uid, 0))
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """A legal hold, without its reason, which stands in the record."""

    uid: str
    at: datetime
    by: str


def holds(actor: Actor) -> tuple[Holding, ...]:
    """The studies under a legal hold, the latest first. Raises Forbidden."""
    gate.permit(actor, Action.HOLD)
    return tuple(Holding(row.study_uid, row.at, row.by) for row in Hold.objects.order_by("-at", "study_uid"))


def may_trash(actor: Actor) -> None:
    """Return if the actor may put studies into the trash at all. Raises Forbidden."""
    gate.permit(actor, Action.TRASHED)


def ready(study_uid: str, *, early: bool = False) -> None:
    """Return if a locked study may be destroyed now, with `early` before its time.

    Raises Unsuitable: not trashed, too early, or held.
    """
    row = Withdrawn.objects.filter(study_uid=study_uid).first()
    if row is None:
        raise Unsuitable("Only a study in the trash can be destroyed.")
    if Hold.objects.filter(study_uid=study_uid).exists():
        raise Unsuitable("The study is under a legal hold.")
    if not early and timezone.now() < _end(row.at):
        raise Unsuitable(f"The study may be destroyed from {_end(row.at):%Y-%m-%d %H:%M} UTC on.")


def _end(moment: datetime) -> datetime:
    return moment + timedelta(days=settings.PACS_TRASH_DAYS)


def _locked(study_uid: str) -> Study:
    """The study's row, so that an arriving image and an act on the study come one after the other."""
    row = Study.objects.select_for_update().filter(uid=study_uid).first()
    if row is None:
        raise Unsuitable("The study was destroyed meanwhile.")
    return row


@contextmanager
def _change(actor: Actor, action: Action, study_uid: str, details: dict[str, str] | None = None) -> Iterator[None]:
    pseudonym = Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first()
    with gate.change(
        actor, action, study_uid=study_uid, patient=pseudonym or "", found=pseudonym is not None, details=details
    ):
        yield


def _promise_again(study_uid: str) -> None:
    """What jobs left undone because the study was hidden."""
    series = Series.objects.filter(study__uid=study_uid).values_list("id", flat=True)
    held = Held.objects.filter(study__uid=study_uid, state="comparing").values_list("id", flat=True)
    jobs.promise_many(Work(kind, str(row)) for row in series for kind in index.AFTER_STORE)
    # A pass that made search tokens anew meanwhile has opened nothing of it, and left it without.
    patient = Study.objects.filter(uid=study_uid).values_list("patient_id", flat=True).first()
    jobs.promise_many([Work(index.REINDEX, str(patient))] if patient else [])
    jobs.promise_many(Work("compare", str(row)) for row in held)
