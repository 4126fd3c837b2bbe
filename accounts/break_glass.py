"""Breaking the glass: for one hour, somebody sees one patient's studies that are not theirs to see, and all hear of it.

Which studies a patient has is the archive's to know (`archive.emergency`); here stands who may, how long, and what is
kept of it. Nothing of what would be opened is shown before it is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import attempts, epoch, gate, refusals, scope
from accounts.actors import Actor
from accounts.errors import NotVisible, Unacceptable
from accounts.models import Access, BreakGlass
from audit import alerts, clock
from audit.actions import Action, Outcome

LASTS = timedelta(hours=1)
LEAST_WORDS, MOST_WORDS = 10, 500
GUESSES = 5
"""Misses in a row after which people are told."""

REASONS: Mapping[str, Promise] = {
    "emergency": gettext_lazy("Emergency: the patient cannot wait"),
    "on-call": gettext_lazy("On call for another department"),
    "transfer": gettext_lazy("The patient was transferred to us"),
    "consult": gettext_lazy("Another department asked for advice"),
    "other": gettext_lazy("Another reason, written below"),
}


def require(actor: Actor) -> None:
    """Return if the actor may break the glass now. Raises Forbidden or StepUpNeeded, on record."""
    gate.permit(actor, Action.BREAK_GLASS)


def check(reason: str, words: str) -> None:
    """Return if this is a reason. Raises Unacceptable."""
    if reason not in REASONS:
        raise Unacceptable("reason", _("Choose the reason."))
    if len(words.strip()) < LEAST_WORDS:
        raise Unacceptable("words", _("Say in a few words why; whoever reviews it reads them."))


def count(actor: Actor, asked: Mapping[str, str]) -> int:
    """Count an attempt before it is judged; return how many there were in a row.

    `asked` goes on record, sealed. Raises Unacceptable, on record, while the wait after too many lasts.
    """
    tries = attempts.guess(_name(actor))
    if tries is None:
        words = Unacceptable("patient_id", _("Nothing was found several times in a row. Wait a while."))
        told = refusals.Asked(Action.BREAK_GLASS, details={**asked, "throttled": True})
        refusals.recorded(actor, told, Outcome.DENIED, NotVisible())
        raise words
    return tries


def missed(actor: Actor, asked: Mapping[str, str], tries: int) -> Unacceptable:
    """Record that nothing was found outside the actor's scope, whatever the cause; return the one answer to it."""
    gate.missed(actor, Action.BREAK_GLASS, subject="patient", details=asked)
    if tries >= GUESSES:
        words = f"{actor.name} asked {tries} times in a row for emergency access to what is not there."
        alerts.raise_("break-glass-guesses", f"{actor.kind} {actor.name}", words)
    return Unacceptable(
        "patient_id",
        _("Nothing was opened: no study was found that you do not see already. Check the number, and its issuer."),
    )


def open_(actor: Actor, patient: str, study_uids: Sequence[str], reason: str, words: str) -> datetime:
    """Let the actor see these studies of a patient (by pseudonym) for an hour; return until when.

    Event, alert, access and the row that waits for its review are durable together. Raises Forbidden, StepUpNeeded or
    Unacceptable.
    """
    check(reason, words)
    event_id = uuid4()
    told = {"reason": reason, "words": words.strip()[:MOST_WORDS]}
    with gate.change(
        actor,
        Action.BREAK_GLASS,
        patient=patient,
        count=len(study_uids),
        details=told,
        event_id=event_id,
        listed=study_uids,
    ):
        now = clock.moment()
        until, person = now + LASTS, UUID(actor.id)
        BreakGlass.objects.create(
            person=person,
            patient=patient,
            studies=list(study_uids),
            reason=reason,
            opened_at=now,
            until=until,
            event=event_id,
        )
        scope.lend(person, study_uids, scope.BY_GLASS, until)
        epoch.raise_()
    attempts.guessed(_name(actor))
    return until


def until(actor: Actor) -> datetime | None:
    """Until when the actor sees what is not theirs; None for who has broken nothing, or whose hour is over."""
    if actor.kind != "person":
        return None
    open_ones = BreakGlass.objects.filter(person=actor.id, until__gt=clock.moment())
    return open_ones.order_by("-until").values_list("until", flat=True).first()


def end(actor: Actor) -> None:
    """End every emergency access of the actor now: what runs under it ends within two seconds. May be repeated."""
    if until(actor) is None:
        return
    with gate.change(actor, Action.GLASS_ENDED, subject=actor.key) as told:
        told["ended"] = close(UUID(actor.id))


def close(person: UUID) -> int:
    """End every emergency access of a person, inside the caller's transaction; return how many were open."""
    now = clock.moment()
    ended = BreakGlass.objects.filter(person=person, until__gt=now).update(until=now)
    Access.objects.filter(audience=person, rule=scope.BY_GLASS).delete()
    epoch.raise_()
    return ended


def _name(actor: Actor) -> str:
    return f"break-glass {actor.key}"
