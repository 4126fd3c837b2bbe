"""The one gate: every read and every change passes here, and nothing else can unlock a study.

The order never varies: permission, then step-up, then scope, then the durable record, then the receipt. A refusal is
on record before it is raised. From outside, a study that does not exist and one that is not this actor's to see are
the same `NotVisible`; the log tells them apart. These are plain functions, so that a refusal is raised on call and not
at the first step of an iterator.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from accounts import identify, refusals, scope, standing
from accounts.actors import Actor
from accounts.errors import NotVisible
from accounts.policy import UNSCOPED
from accounts.refusals import Asked
from audit import clock, leases, log, pulse
from audit.actions import Action, Outcome
from audit.receipts import Receipt

Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SearchReceipt:
    """Leave for one search: opens cells of candidates in the actor's scope, inside `archive.query`, for one request."""

    actor: Actor
    details: Details
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class PatientReceipt:
    """Leave to look for a patient in the record: opens cells of patients, never one of a study, for one request."""

    actor: Actor
    details: Details
    id: UUID = field(default_factory=uuid4)


def permit(actor: Actor, action: Action, *, subject: str = "") -> None:
    """Return if the actor may act so at all; raises Forbidden or StepUpNeeded. `subject` names what, for the record."""
    _admit(actor, Asked(action, details={"subject": subject} if subject else None))


def missed(
    actor: Actor, action: Action, *, subject: str, study_uid: str = "", details: Details | None = None
) -> NotVisible:
    """Record that somebody who may act so named what is not there; return the refusal to raise.

    Raises Forbidden or StepUpNeeded, on record, for who may not act so at all.
    """
    asked = Asked(action, study_uid, details={"subject": subject, **(details or {})})
    error = NotVisible()
    refusals.recorded(_admit(actor, asked), asked, Outcome.NOT_FOUND, error)
    return error


def fresh(actor: Actor, action: Action) -> bool:
    """Tell whether the actor's second factor is recent enough for this act, so that a page can ask for it first."""
    return not refusals.wants_step_up(actor, action)


def disclose(
    actor: Actor,
    action: Action,
    study_uid: str,
    *,
    found: bool,
    purpose: str = "",
    patient: str = "",
    count: int = 0,
    details: Details | None = None,
    sealed: tuple[UUID, bytes] | None = None,
) -> Receipt:
    """Record one exact disclosure of a study and return its receipt, valid for one request.

    `found` says whether the study exists; `patient` is its patient's pseudonym; `sealed` are details that a service
    sealed under the study's key. Raises Forbidden, StepUpNeeded, NotVisible or LogUnavailable.
    """
    asked = Asked(action, study_uid, patient, purpose, details)
    actor = _admit(actor, asked)
    _require_scope(actor, asked, found=found)
    event = log.Event(
        action,
        Outcome.OK,
        actor.who,
        study_uid=study_uid,
        patient=patient,
        purpose=purpose,
        count=count,
        details=details,
        sealed=sealed,
    )
    return log.receipt(event, (study_uid,))


def disclose_phrases(actor: Actor, action: Action, *, count: int) -> Receipt:
    """Record that so many phrases of the archive's dictionary are opened; the receipt covers no study.

    Raises Forbidden, StepUpNeeded or LogUnavailable.
    """
    details = {"phrases": count}
    actor = _admit(actor, Asked(action, details=details))
    return log.receipt(log.Event(action, Outcome.OK, actor.who, count=count, details=details), ())


def view(actor: Actor, study_uid: str, *, found: bool, purpose: str = "care", patient: str = "") -> Receipt:
    """Return the receipt of a viewing lease on one study, recorded with the lease's first use.

    It ends with its time slot, or with the access row that justified it if that is sooner.
    """
    asked = Asked(Action.VIEW, study_uid, patient, purpose)
    actor = _admit(actor, asked)
    until = _require_scope(actor, asked, found=found)
    return leases.view(actor.who, study_uid, purpose, patient, until.timestamp() if until else None)


def still(receipt: Receipt, actor: Actor) -> Receipt:
    """Ask between two chunks whether the next may leave; return the receipt to go on with.

    Costs no query while the log's pulse is good, the access epoch stands and the lease lasts. A lease that ended gives
    its successor. Raises LogUnavailable, or NotVisible once the right is gone.
    """
    pulse.check()
    now = identify.current(actor)
    limits = [until for until in (_again(receipt, now, actor, uid) for uid in receipt.study_uids) if until]
    if receipt.lease is None or receipt.until is None or receipt.until > clock.now():
        return receipt
    (study_uid,) = receipt.study_uids
    limit = min(limits).timestamp() if limits else None
    return leases.view(now.who, study_uid, receipt.purpose, receipt.patient, limit)


def search(actor: Actor, details: Details) -> SearchReceipt:
    """Return leave to search; `details` are the criteria, which the log seals. Raises Forbidden."""
    return SearchReceipt(_admit(actor, Asked(Action.SEARCH, details=details)), details)


def listed(receipt: SearchReceipt, study_uids: Sequence[str], *, outcome: Outcome = Outcome.OK) -> None:
    """Record durably which studies a search is about to show. Nothing of them may leave before this returns."""
    event = log.Event(
        Action.SEARCH,
        outcome,
        receipt.actor.who,
        count=len(study_uids),
        details=receipt.details,
        listed=tuple(study_uids),
        id=receipt.id,
    )
    log.commit([event])


def seek_patients(actor: Actor, details: Details) -> PatientReceipt:
    """Return leave to look for patients in the record; `details` are the criteria, which the log seals."""
    return PatientReceipt(_admit(actor, Asked(Action.PATIENT_REPORT, details=details)), details)


def found_patients(receipt: PatientReceipt, pseudonyms: Sequence[str]) -> None:
    """Record durably which patients are about to be named. Nothing of them may leave before this returns."""
    told = {**receipt.details, "patients": list(pseudonyms)}
    who, count = receipt.actor.who, len(pseudonyms)
    log.commit([log.Event(Action.PATIENT_REPORT, Outcome.OK, who, count=count, details=told, id=receipt.id)])


@contextmanager
def change(
    actor: Actor,
    action: Action,
    *,
    subject: str = "",
    study_uid: str = "",
    patient: str = "",
    count: int = 0,
    found: bool = True,
    details: Details | None = None,
    event_id: UUID | None = None,
    listed: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Open a durable transaction in which a change and its event stand or fall together.

    Yields the event's details, which the block may add to; `event_id` is the event's, where a row shall name it;
    `listed` are studies that it is about beside `study_uid`. A change of a study needs that study in scope. Raises
    Forbidden, StepUpNeeded or NotVisible before the transaction begins.
    """
    told: dict[str, Any] = {**({"subject": subject} if subject else {}), **(details or {})}
    asked = Asked(action, study_uid, patient, details=told)
    actor = _admit(actor, asked)
    # Whoever gives commands on this machine has no studies of its own, and sees nothing of those that it names.
    if study_uid and (not found or (action not in UNSCOPED and actor.kind != "shell")):
        _require_scope(actor, asked, found=found)
    with transaction.atomic(durable=True):
        yield told
        event = log.Event(
            action,
            Outcome.OK,
            actor.who,
            study_uid=study_uid,
            patient=patient,
            count=count,
            details=told or None,
            listed=tuple(listed),
            id=event_id or uuid4(),
        )
        log.append([event])


def _admit(actor: Actor, asked: Asked) -> Actor:
    """Return the actor with the rights of now, if they allow the act and the second factor is fresh enough."""
    now = identify.current(actor)
    error = refusals.reason(now, asked.action)
    if error is not None:
        raise refusals.recorded(actor if now.kind == "nobody" else now, asked, Outcome.DENIED, error)
    return now


def _require_scope(actor: Actor, asked: Asked, *, found: bool) -> datetime | None:
    """Return until when the study may be seen (None: without an end). The same work is done for unknown studies."""
    if asked.action in (Action.RESTORED, Action.REKEYED):
        # A study in the trash is nobody's to see; whose it would be decides who may take it out, or seal it anew.
        until = scope.would_cover(actor, asked.study_uid)
    else:
        until = standing.covers(actor, asked.study_uid)
    if not found:
        raise refusals.recorded(actor, asked, Outcome.NOT_FOUND, NotVisible())
    if until is False:
        raise refusals.recorded(actor, asked, Outcome.DENIED, NotVisible())
    return until


def _again(receipt: Receipt, now: Actor, before: Actor, study_uid: str) -> datetime | None:
    """Return until when a study already disclosed may be seen; what was lost since then is not visible from now on."""
    until = standing.covers(now, study_uid) if now.permitted(receipt.action) else False
    if until is False:
        asked = Asked(receipt.action, study_uid, receipt.patient, receipt.purpose)
        raise refusals.recorded(before, asked, Outcome.DENIED, NotVisible())
    return until
