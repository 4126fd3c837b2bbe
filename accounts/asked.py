"""Requests for acts of two people, as those read them who asked or could confirm."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import gate, rights
from accounts.actors import Actor
from accounts.acts import Kind, find, kinds
from accounts.errors import AgainstRules, Forbidden, NotVisible
from accounts.models import Approval, Person
from audit.actions import Action

MOST: Final = 100
State = Literal["open", "done", "refused", "withdrawn", "lapsed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as its reader sees it; `may` is what this reader can do about it."""

    row: Approval
    kind: Kind
    subject: str
    state: State
    may: frozenset[str]
    lines: list[str]
    changed: str


def listed(actor: Actor) -> list[Asked]:
    """Return what this person asked for or could confirm, what is open first. Raises Forbidden."""
    gate.permit(actor, Action.APPROVAL_READ)
    rows = _visible(actor).order_by("-asked_at", "-id")
    waiting, past = rows.filter(_open_now()), rows.exclude(_open_now())
    found = [*waiting[:MOST], *past[:MOST]]
    return [_shown(actor, row, kind) for row in found if (kind := find(row.kind)) is not None]


def one(actor: Actor, approval_id: UUID) -> Asked:
    """Return one request. Raises NotVisible alike for one that is not there and one that is not this person's to see,
    and StepUpNeeded.
    """
    return _shown(actor, *known(actor, approval_id))


def open_count(actor: Actor) -> int | None:
    """Return how many requests of others wait for this person; None for whoever confirms none of any kind."""
    mine = _confirms(actor)
    if not mine or actor.kind != "person":
        return None
    waiting = Approval.objects.filter(_open_now(), kind__in=mine).exclude(asked_by=UUID(actor.id))
    return waiting.count()


def known(actor: Actor, approval_id: UUID) -> tuple[Approval, Kind]:
    """Return a request and its kind. Raises NotVisible, on record, for what is not there or not this person's."""
    subject = f"approval:{approval_id}"
    gate.permit(actor, Action.APPROVAL_READ, subject=subject)
    row = Approval.objects.filter(pk=approval_id).first()
    kind = find(row.kind) if row is not None else None
    if row is None or kind is None:
        raise gate.missed(actor, Action.APPROVAL_READ, subject=subject)
    if kind.permission not in actor.permissions and row.asked_by != rights.person_of(actor):
        try:
            gate.permit(actor, kind.action, subject=subject)
        except Forbidden:
            raise NotVisible from None
    return row, kind


def alone(row: Approval, kind: Kind) -> bool:
    """Tell whether one person suffices now, a day later: without four eyes, or where nobody else could confirm, both
    when it was asked for and still."""
    return may_be_alone(kind, row.asked_by, falls_on(row)) and row.alone_from is not None and _over(row.alone_from)


def may_be_alone(kind: Kind, asker: UUID, beside: frozenset[UUID]) -> bool:
    """Tell whether a day may stand in for the second person: `beside` are those on whom the act falls."""
    return not settings.PACS_FOUR_EYES or (kind.leads_on and not _others(kind, {asker, *beside}))


def falls_on(row: Approval) -> frozenset[UUID]:
    """Return on whom an act falls: they neither ask for it nor confirm it."""
    named = frozenset(UUID(one) for one in row.proposal.get("falls_on", []))
    return named | {row.concerns} if row.concerns is not None else named


def _others(kind: Kind, beside: set[UUID]) -> bool:
    """Tell from the tables whether anybody else may sign in and holds the permission of this kind."""
    rows = Person.objects.filter(is_active=True).exclude(pk__in=beside).prefetch_related("roles")
    return any(kind.permission in rights.of(person) for person in rows)


def _over(moment: datetime) -> bool:
    return moment <= timezone.now()


def _confirms(actor: Actor) -> list[str]:
    return [kind.name for kind in kinds() if kind.permission in actor.permissions]


def _visible(actor: Actor) -> "QuerySet[Approval]":
    return Approval.objects.filter(Q(kind__in=_confirms(actor)) | Q(asked_by=UUID(actor.id)))


def _open_now() -> Q:
    return Q(state="open", lapses_at__gt=timezone.now())


def _shown(actor: Actor, row: Approval, kind: Kind) -> Asked:
    lapsed = row.state == "open" and row.lapses_at <= timezone.now()
    state = "lapsed" if lapsed else cast("State", row.state)
    may = frozenset[str]()
    if state == "open":
        may = _possible(row, kind, UUID(actor.id), holds=kind.permission in actor.permissions)
    changed = _changed(row, kind) if state == "open" and row.proposal else ""
    return Asked(row, kind, kind.named(row.subject), state, may, kind.shown(row.proposal), changed)


def _changed(row: Approval, kind: Kind) -> str:
    """Return in words why what was asked for cannot come about as things stand; "" where it can."""
    try:
        kind.ready(row.subject, row.proposal)
    except AgainstRules as error:
        return str(error)
    return ""


def _possible(row: Approval, kind: Kind, mine: UUID, *, holds: bool) -> frozenset[str]:
    if mine == row.asked_by:
        return frozenset({"withdraw", "approve"} if holds and alone(row, kind) else {"withdraw"})
    if not holds:
        return frozenset()
    return frozenset({"refuse"} if mine in falls_on(row) else {"refuse", "approve"})
