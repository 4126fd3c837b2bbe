"""Destroying a study for ever: its keys and rows in one transaction, then what is left of it, step by step.

The transaction carries the event and the signed certificate. What follows may be cut off anywhere and is taken up again
by the job `destroy`, or by the same command given again: each step may be repeated.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import desks, epoch, gate
from accounts.actors import Actor
from accounts.models import Destroyed
from archive import certificates, contexts, erasing, jobs, removal
from archive.errors import Unsuitable
from archive.models import Study
from audit import log
from audit.actions import Action, Outcome

STEPS: tuple[Callable[[Destroyed], None], ...] = (
    lambda row: certificates.copy(row.note),
    lambda row: erasing.files(row.packs),
    lambda _row: erasing.journals(),
)


def destroy(actor: Actor, study_uid: str) -> UUID:
    """Destroy a study whose time in the trash has passed; return the id of the certificate.

    Raises Forbidden, StepUpNeeded, NotVisible, Unsuitable when it may not be destroyed yet, or Unavailable when the
    keys are gone but a later step must be tried again.
    """
    certificate = begin(actor, study_uid)
    finish(str(certificate), lambda _done, _total: None)
    return certificate


def begin(actor: Actor, study_uid: str) -> UUID:
    """Delete keys and rows with event and certificate, unless that has been done; return the id of the certificate.

    What is left is the job's. Raises Forbidden, StepUpNeeded, NotVisible, or Unsuitable, on record, when it may not be
    destroyed yet.
    """
    try:
        return _begun(actor, study_uid)
    except Unsuitable as error:
        told, patient = {"refused": str(error)}, _patient(study_uid)
        event = log.Event(
            Action.DESTROYED, Outcome.DENIED, actor.who, study_uid=study_uid, patient=patient, details=told
        )
        log.commit([event])
        raise


def _patient(study_uid: str) -> str:
    return Study.objects.filter(uid=study_uid).values_list("patient__pseudonym", flat=True).first() or ""


def _begun(actor: Actor, study_uid: str) -> UUID:
    study = Study.objects.select_related("patient").filter(uid=study_uid).first()
    unfinished = Destroyed.objects.filter(study_uid=study_uid, completed_at=None).order_by("created_at").first()
    if study is None and unfinished is not None:
        gate.permit(actor, Action.DESTROYED, subject=study_uid)
        return unfinished.id
    patient = study.patient.pseudonym if study else ""
    with gate.change(actor, Action.DESTROYED, study_uid=study_uid, patient=patient, found=study is not None) as told:
        identifier, more = _delete(study_uid, actor.name, early=False)
        told |= more
    return identifier


def at_once(actor: Actor, study_uid: str, told: dict[str, Any]) -> UUID:
    """Destroy a study whose time in the trash has not passed, in the caller's transaction, which two people want.

    `told` is what the event says of them. Return the id of the certificate. Raises Unsuitable: not trashed, or held.
    """
    patient = _patient(study_uid)
    identifier, more = _delete(study_uid, f"{told['asked_by']}, {actor.name}", early=True)
    details = {**told, **more}
    log.append(
        [log.Event(Action.DESTROYED, Outcome.OK, actor.who, study_uid=study_uid, patient=patient, details=details)]
    )
    return identifier


def _delete(study_uid: str, by: str, *, early: bool) -> tuple[UUID, dict[str, Any]]:
    """Delete keys and rows and promise the rest; return the id of the certificate and what the event says."""
    locked = Study.objects.select_for_update().filter(uid=study_uid).first()
    if locked is None:
        raise Unsuitable("The study was destroyed meanwhile.")
    removal.ready(study_uid, early=early)
    gone = erasing.keys_of(locked)
    identifier, note = certificates.sign(locked, gone, by)
    row_id, names = locked.id, erasing.rows([key.id for key in gone])
    Destroyed.objects.create(id=identifier, study_uid=study_uid, note=note, packs=names)
    jobs.promise(certificates.JOB, str(identifier))
    desks.forget(study_uid)
    epoch.raise_()
    transaction.on_commit(partial(contexts.drop, row_id))
    return identifier, {"certificate": str(identifier), "keys": [str(key.id) for key in gone]}


def resume(actor: Actor, certificate: UUID) -> None:
    """Let the job go on with what is left of a study's destruction. Raises Forbidden, StepUpNeeded."""
    gate.permit(actor, Action.DESTROYED, subject=f"certificate:{certificate}")
    if Destroyed.objects.filter(id=certificate, completed_at=None).exists():
        jobs.promise(certificates.JOB, str(certificate))


def finish(subject: str, progress: Callable[[int, int], None]) -> None:
    """The job `destroy`: take the steps after the transaction. `subject` is the certificate. Raises Unavailable."""
    row = Destroyed.objects.filter(id=UUID(subject), completed_at=None).first()
    if row is None:
        return
    for number, step in enumerate(STEPS, 1):
        step(row)
        progress(number, len(STEPS))
    Destroyed.objects.filter(id=row.id).update(completed_at=timezone.now())
