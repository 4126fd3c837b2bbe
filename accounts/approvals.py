"""Acts of two people: one asks, another who holds the same permission confirms with a fresh second factor.

With `PACS_FOUR_EYES=off`, and for kinds that lead on where nobody else could confirm, whoever asked may carry the act
out alone, but only a day later, with another fresh factor, and everybody who holds the permission may stop it until
then. Nothing here can tell that two accounts are one person.
"""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import gate, rights
from accounts.actors import Actor
from accounts.acts import Kind, Proposal, find
from accounts.asked import State, alone, falls_on, known, may_be_alone
from accounts.errors import AgainstRules, Unacceptable
from accounts.models import Approval
from audit import alerts, log
from audit.actions import Action, Outcome

LASTS: Final = timedelta(hours=24)
"""How long a second person has, and how long whoever may act alone has once the day is over."""
DELAY: Final = timedelta(days=1)


def ask(
    actor: Actor, kind_name: str, subject: str, *, concerns: UUID | None = None, proposal: Proposal | None = None
) -> UUID:
    """Ask for an act; return the id of the request. Raises Forbidden, StepUpNeeded, or Unacceptable.

    `concerns` is the person on whom it falls, who cannot ask for it; `proposal` is what exactly is asked for.
    """
    kind, wanted = _kind(kind_name), proposal or {}
    gate.permit(actor, kind.action, subject=subject)
    told = _told(kind, subject, wanted)
    with rights.change(actor, Action.APPROVAL_ASKED, subject=subject, study_uid=kind.study(subject), details=told):
        return _placed(actor, kind, subject, concerns, wanted)


def ask_along(actor: Actor, kind_name: str, subject: str, *, concerns: UUID | None, proposal: Proposal) -> UUID:
    """Ask for the rest of a change in the transaction of that change, which the gate has permitted; the request has an
    event of its own. Return its id. Raises Unacceptable, and with it the whole change fails.
    """
    kind = _kind(kind_name)
    made = _placed(actor, kind, subject, concerns, proposal)
    told = {"subject": subject, **_told(kind, subject, proposal)}
    log.append([log.Event(Action.APPROVAL_ASKED, Outcome.OK, actor.who, details=told)])
    return made


def _kind(name: str) -> Kind:
    kind = find(name)
    if kind is None:
        raise ValueError(f"nobody registered {name}")
    return kind


def _told(kind: Kind, subject: str, proposal: Proposal) -> dict[str, Any]:
    return {"act": kind.name, "named": kind.named(subject), **({"proposal": dict(proposal)} if proposal else {})}


def _placed(actor: Actor, kind: Kind, subject: str, concerns: UUID | None, proposal: Proposal) -> UUID:
    """Keep one request in the caller's transaction, behind the turn. Raises Unacceptable."""
    rights.turn()
    now, mine = timezone.now(), _still(kind, rights.person_of(actor))
    row = Approval(kind=kind.name, subject=subject, concerns=concerns, proposal=dict(proposal), asked_by=mine)
    if mine in falls_on(row):
        raise AgainstRules("approval", _("This falls on you: somebody else must ask for it."), "own")
    kind.ready(subject, proposal)
    _lapse(Approval.objects.filter(kind=kind.name, subject=subject, state="open", lapses_at__lte=now))
    if Approval.objects.filter(kind=kind.name, subject=subject, state="open").exists():
        raise Unacceptable("approval", _("This was asked for already and waits."))
    row.alone_from = now + DELAY if may_be_alone(kind, mine, falls_on(row)) else None
    row.asker, row.asked_at, row.lapses_at = actor.name[:60], now, (row.alone_from or now) + LASTS
    row.save(force_insert=True)
    alerts.raise_("approval", _alert(row), _words(row, kind))
    return row.id


def _words(row: Approval, kind: Kind) -> str:
    words = f"{row.asker} asked for: {kind.name} {kind.named(row.subject)}."
    if row.alone_from is None:
        return words
    why = " Nobody else could confirm it." if settings.PACS_FOUR_EYES else ""
    return f"{words}{why} It may be carried out alone from {row.alone_from:%Y-%m-%d %H:%M} UTC on."


def approve(actor: Actor, approval_id: UUID) -> tuple[Kind, str, Any]:
    """Confirm an act, or carry it out alone where that may be; it is done when this returns.

    Return its kind, its subject and what it gave. Raises NotVisible, StepUpNeeded or AgainstRules.
    """
    row, kind = known(actor, approval_id)
    gate.permit(actor, kind.action, subject=row.subject)
    told = {"act": kind.name, "decided": "approved", "approval": str(row.id), "asked_by": row.asker}
    with _deciding(actor, row, kind, told):
        row = _locked(approval_id)
        mine = _still(kind, rights.person_of(actor))
        _require_second(row, kind, mine)
        if not rights.holds_now(row.asked_by, kind.permission):
            raise AgainstRules("approval", _("Who asked for this may not do so any more."), "asker-lost")
        kind.ready(row.subject, row.proposal)
        _decide(row, "done", actor)
        told_by_act = {"approval": str(row.id), "asked_by": row.asker}
        given = kind.carry_out(actor, row.subject, row.proposal, told_by_act)
    return kind, row.subject, given


def refuse(actor: Actor, approval_id: UUID) -> None:
    """Stop an act that somebody else asked for. Raises NotVisible, StepUpNeeded or AgainstRules."""
    row, kind = known(actor, approval_id)
    gate.permit(actor, kind.action, subject=row.subject)
    told = {"act": kind.name, "decided": "refused", "approval": str(row.id), "asked_by": row.asker}
    with _deciding(actor, row, kind, told):
        _still(kind, rights.person_of(actor))
        _decide(_locked(approval_id), "refused", actor)


def withdraw(actor: Actor, approval_id: UUID) -> None:
    """Take back what one asked for oneself. Raises NotVisible or AgainstRules."""
    row, kind = known(actor, approval_id)
    told = {"act": kind.name, "decided": "withdrawn", "approval": str(row.id), "asked_by": row.asker}
    with _deciding(actor, row, kind, told):
        row = _locked(approval_id)
        if row.asked_by != rights.person_of(actor):
            raise AgainstRules("approval", _("Only who asked for this can withdraw it."), "asker")
        _decide(row, "withdrawn", actor)


def _deciding(actor: Actor, row: Approval, kind: Kind, told: dict[str, Any]) -> AbstractContextManager[Any]:
    uid = kind.study(row.subject)
    return rights.change(actor, Action.APPROVAL_DECIDED, subject=row.subject, study_uid=uid, details=told)


def _locked(approval_id: UUID) -> Approval:
    """Take the turn and return the request as it stands now. Raises AgainstRules unless it is open."""
    rights.turn()
    row = Approval.objects.select_for_update().get(pk=approval_id)
    if row.state != "open":
        raise AgainstRules("approval", _("This was decided already."), "decided")
    if row.lapses_at <= timezone.now():
        raise AgainstRules("approval", _("This has lapsed. It can be asked for again."), "lapsed")
    return row


def _still(kind: Kind, mine: UUID | None) -> UUID:
    """Return the person who acts if the right is still there, behind the turn. Raises AgainstRules."""
    if mine is None or not rights.holds_now(mine, kind.permission):
        raise AgainstRules("approval", _("You may not do this any more."), "lost")
    return mine


def _require_second(row: Approval, kind: Kind, mine: UUID) -> None:
    """Return if this person may confirm. Raises AgainstRules."""
    if mine in falls_on(row):
        raise AgainstRules("approval", _("This falls on you: somebody else must confirm it."), "own")
    if mine == row.asked_by and not alone(row, kind):
        words = _("You asked for this yourself: another person must confirm it.")
        if row.alone_from is not None and may_be_alone(kind, mine, falls_on(row)):
            words = _("The day in which others can stop this is not over yet.")
        raise AgainstRules("approval", words, "asker")


def _decide(row: Approval, state: State, actor: Actor) -> None:
    row.state, row.decider, row.decided_at = state, actor.name[:60], timezone.now()
    row.save(update_fields=["state", "decider", "decided_at"])
    alerts.settle("approval", _alert(row), actor.name)


def _lapse(rows: "QuerySet[Approval]") -> None:
    for row in rows.select_for_update():
        Approval.objects.filter(pk=row.pk).update(state="lapsed")
        alerts.settle("approval", _alert(row), "custos")


def _alert(row: Approval) -> str:
    """The subject of a request's alert: each has one of its own, so that deciding one settles no other."""
    return f"person {row.asker} {row.id}"
